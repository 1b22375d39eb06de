// Module hooks: ts-node compiles the project's TypeScript, and what it made is kept in node_modules/.cache, for compiling a
// hundred files takes longer than the programs do. Hooks run in a thread of their own, whose errors reach the program as
// text only.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const project = new URL("../", import.meta.url);
const packages = new URL("node_modules/", project);
const cache = new URL(".cache/compiled/", packages);
// Whatever else decides about the output: the compiler's options and its version.
const settings = ["tsconfig.json", "package-lock.json"].map((name) => readFileSync(new URL(name, project)));

/** A relative specifier names the compiler's output: `./x.js` stands for `./x.ts`. */
export async function resolve(specifier, context, nextResolve) {
  if (specifier.startsWith(".") && specifier.endsWith(".js") && isOurs(context.parentURL)) {
    const source = new URL(`${specifier.slice(0, -".js".length)}.ts`, context.parentURL);
    if (existsSync(source)) return { url: source.href, format: "module", shortCircuit: true };
  }
  return nextResolve(specifier, context);
}

export async function load(url, context, nextLoad) {
  if (!url.endsWith(".ts") || !isOurs(url)) return nextLoad(url, context);
  const kept = new URL(`${keyOf(url)}.mjs`, cache);
  if (!existsSync(kept)) keep(kept, await compile(url, context, nextLoad));
  return { format: "module", source: readFileSync(kept), shortCircuit: true };
}

function isOurs(url) {
  return url?.startsWith(project.href) === true && !url.startsWith(packages.href);
}

/** The address counts, too: the source map inside holds it. */
function keyOf(url) {
  const hash = createHash("sha256");
  for (const part of [...settings, url, readFileSync(fileURLToPath(url))]) hash.update(part).update("\0");
  return hash.digest("hex");
}

async function compile(url, context, nextLoad) {
  const tsNode = await import("ts-node/esm");
  try {
    return (await tsNode.load(url, { ...context, format: "module" }, nextLoad)).source;
  } catch (error) {
    throw error.name === "TSError" ? new SyntaxError(error.message) : error;
  }
}

function keep(file, text) {
  mkdirSync(cache, { recursive: true });
  // Programs that start at the same time may both write it; a rename lets neither see half of it.
  const unfinished = new URL(`${process.pid}.unfinished`, cache);
  writeFileSync(unfinished, text);
  renameSync(unfinished, file);
}
