/*
 * How a TypeScript class reaches its C functions on XS: the SDK's own `xs.d.ts` declares the two, the npm package of typings
 * does not yet. The forms `extends Native("…")` and `return native("…").call(this, …)` are what the compiler turns into
 * direct calls.
 */
declare function Native(destructor: string): new (...parameters: unknown[]) => object;
// biome-ignore lint/suspicious/noExplicitAny: what a C function takes and returns is declared where it is called.
declare function native(name: string): (...parameters: any[]) => any;
