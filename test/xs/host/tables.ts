/** Finds the buffers that code allocates, by the class or function that allocates them. On Node: the bytes are the same. */

export interface Table {
  /** Such as "SessionTable (src/nat/sessions.ts)". */
  readonly owner: string;
  readonly buffers: number;
  readonly bytes: number;
}

const CONSTRUCTORS = [
  "ArrayBuffer",
  "Int8Array",
  "Uint8Array",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float64Array",
] as const;

/** Runs `create` and lists what it allocated, the largest first. Views of a buffer that exists count nothing. */
export function tablesOf(create: () => void): Table[] {
  const tables = new Map<string, Table>();
  const add = (bytes: number): void => {
    const owner = ownerOf(new Error().stack ?? "");
    const { buffers, bytes: before } = tables.get(owner) ?? { buffers: 0, bytes: 0 };
    tables.set(owner, { owner, buffers: buffers + 1, bytes: before + bytes });
  };
  const globals = globalThis as unknown as Record<string, unknown>;
  const originals = CONSTRUCTORS.map(
    (name) => globals[name] as new (...parameters: unknown[]) => { byteLength: number },
  );
  originals.forEach((original, index) => {
    globals[CONSTRUCTORS[index] as string] = new Proxy(original, {
      construct(target, parameters, newTarget) {
        const made = Reflect.construct(target, parameters, newTarget);
        if (!(parameters[0] instanceof (originals[0] as new () => object))) add(made.byteLength);
        return made;
      },
    });
  });
  try {
    create();
  } finally {
    originals.forEach((original, index) => {
      globals[CONSTRUCTORS[index] as string] = original;
    });
  }
  return [...tables.values()].sort((one, other) => other.bytes - one.bytes);
}

/** The innermost caller in src/. */
function ownerOf(stack: string): string {
  for (const line of stack.split("\n")) {
    const match = /at (?:new )?(\S*) ?\(?.*\/(src\/[\w/]+\.ts)/.exec(line);
    if (match !== null) return `${match[1]} (${match[2]})`;
  }
  return "the test rig";
}
