/**
 * `npm run device:check`: what can be known of the firmware with the Moddable SDK and without a board. It wants MODDABLE,
 * the SDK's directory with its tools built; with IDF_PATH, too, the boards' C files are checked against ESP-IDF's headers.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, styleText } from "node:util";
import { ESP32_CAPACITY, FULL_CAPACITY } from "../../boards/common/capacity.js";
import { flowTableBytes } from "../../src/flow/memory.js";
import { results } from "./engine/results.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ENGINE = "test/device/engine";
const TIMEOUT_MS = 900_000;
/** Beside the suite's own modules the engine gets the SDK's TextEncoder, for the test frames. */
const TEXT_ENCODER = "$(MODDABLE)/modules/data/text/encoder/manifest.json";
/** What mcconfig's own templates give: names and symbols of xsl's tables, and the parser that a board has not. */
const XSL_SIZES = { name: 53, symbol: 3 };
const PARSER = { buffer: 1024, table: 17 };

/** The firmware in the heaps of a board, and with how many flows in memory of the drivers' own. */
const FIRMWARES = Object.freeze([
  { name: "firmwareFull", heaps: "heap.json", flows: FULL_CAPACITY },
  { name: "firmwareEsp32", heaps: "esp32Heap.json", flows: ESP32_CAPACITY },
  { name: "firmwareEsp32Alone", heaps: "esp32Heap.json", flows: undefined },
]);

interface BoardMakefile {
  readonly board: string;
  /** Where mcconfig has put the makefile. */
  readonly directory: string;
}

let failures = 0;
const temporary = mkdtempSync(join(tmpdir(), "porter-device-"));
const moddable = process.env.MODDABLE ?? "";
const tools = join(moddable, "build/bin", process.platform === "darwin" ? "mac" : "lin", "release");
const environment = {
  ...process.env,
  PATH: [tools, join(ROOT, "node_modules/.bin"), process.env.PATH].join(delimiter),
  // Makefiles are only generated, for which any directory will do.
  IDF_PATH: process.env.IDF_PATH ?? temporary,
};

function check(what: string, action: () => void): void {
  const startedAt = performance.now();
  try {
    action();
    console.log(`${styleText("green", "ok")}    ${what} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failures++;
    console.log(`${styleText("red", "FAIL")}  ${what}\n${(error as Error).message.trim()}`);
  }
}

/** The output of a program, both streams; throws with it when the program fails. */
function run(program: string, parameters: readonly string[], directory = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, {
    cwd: directory,
    env: environment,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: 1 << 28,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${parameters.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  return stdout + stderr;
}

function refuseWarnings(output: string): void {
  const lines = output.split("\n").filter((line) => /^### warning|^# warning|: warning: /i.test(line));
  if (lines.length > 0) throw new Error(lines.join("\n"));
}

function boards(): string[] {
  return readdirSync(join(ROOT, "boards")).filter((name) => existsSync(join(ROOT, "boards", name, "manifest.json")));
}

function generateMakefile(board: string): BoardMakefile {
  const output = join(temporary, "boards");
  mkdirSync(output, { recursive: true });
  refuseWarnings(run("mcconfig", ["-p", `esp32:${join(ROOT, "boards", board)}`, "-o", output, "manifest.json"]));
  const directory = join(output, "tmp/esp32", board, "release/porter");
  if (!existsSync(join(directory, "makefile"))) throw new Error("mcconfig wrote no makefile.");
  return { board, directory };
}

/** The declarations that mcconfig generates are those that `npm run typecheck` uses in their place. */
function compareFunctions({ directory }: BoardMakefile): void {
  const declared = (path: string) =>
    [...readFileSync(path, "utf8").matchAll(/(\w+\(.*\): \w+);/g)].map((one) => one[1]);
  const generated = declared(join(directory, "mc.ffi.d.ts"));
  if (!isDeepStrictEqual(generated.sort(), declared(join(ROOT, "boards/types/ffi.d.ts")).sort())) {
    throw new Error(`boards/types/ffi.d.ts is not what mcconfig generates:\n${generated.join("\n")}`);
  }
}

/** As mcconfig compiles each module, with the SDK's own typings; but all at once. */
function checkTypes({ board, directory }: BoardMakefile): void {
  const configuration = join(directory, "modules/check-tsconfig.json");
  const files = ["src/main.ts", `boards/${board}/board.ts`].map((path) => join(ROOT, path));
  writeFileSync(
    configuration,
    JSON.stringify({ extends: "./tsconfig-base.json", compilerOptions: { rootDir: "/", noEmit: true }, files }),
  );
  // mcconfig writes the base file with the first make.
  run("make", ["-f", join(directory, "makefile"), join(directory, "modules/tsconfig-base.json")]);
  run("tsc", ["-p", configuration]);
}

/** JavaScript of the modules that the engine runs, in the repository's directories. */
function compileForEngine(): string {
  const output = join(temporary, "js");
  const entries = ["results.ts", ...FIRMWARES.map(({ name }) => `${name}.ts`), "globals.d.ts"].map((name) =>
    join(ROOT, ENGINE, name),
  );
  const configuration = join(temporary, "tsconfig.json");
  writeFileSync(
    configuration,
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        outDir: output,
        rootDir: ROOT,
        target: "es2024",
        lib: ["es2024"],
        module: "preserve",
        moduleResolution: "bundler",
        // As mcconfig has it: constant enumerations become numbers.
        isolatedModules: false,
        verbatimModuleSyntax: false,
        typeRoots: [join(ROOT, "node_modules/@types")],
      },
      include: [],
      files: [...entries, join(ROOT, "boards/common/native.d.ts")],
    }),
  );
  run("tsc", ["-p", configuration]);
  copyFileSync(join(ROOT, ENGINE, "suite.js"), join(output, ENGINE, "suite.js"));
  return output;
}

/** Links the modules with the core preloaded, as on a board, and returns the program. */
function link(name: string, js: string, creation: object): string {
  const modules = readdirSync(js, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".js"))
    .map((path) => path.slice(0, -".js".length))
    // The driver's class has its functions in C.
    .filter((module) => module !== "boards/common/framePort");
  const directories = new Set(modules.map((module) => dirname(module)));
  const linesOf = (directory: string) =>
    modules.filter((module) => dirname(module) === directory).map((module) => `./js/${module}`);
  const manifest = {
    include: [TEXT_ENCODER],
    build: { NAME: name, MODULES: "$(MODDABLE)/modules" },
    creation: { static: 0, parser: PARSER, main: `${ENGINE}/${name}`, ...creation },
    strip: "*",
    modules: {
      "*": "./host",
      ...Object.fromEntries([...directories].map((directory) => [`${directory}/*`, linesOf(directory)])),
    },
    preload: modules.filter((module) => /^(src|boards)\//.test(module)),
  };
  const directory = dirname(js);
  copyFileSync(join(ROOT, ENGINE, "host.c"), join(directory, "host.c"));
  writeFileSync(join(directory, `${name}.json`), JSON.stringify(manifest));
  const output = join(directory, "engine");
  mkdirSync(output, { recursive: true });
  const log = run("mcconfig", ["-m", "-p", "x-cli-lin", "-o", output, `${name}.json`], directory);
  if (/^### warning/m.test(log)) refuseWarnings(log);
  return join(output, "bin/lin/release", name);
}

function checkSuite(js: string): void {
  const keys = { initial: 512, incremental: 512, ...XSL_SIZES };
  const heap = { initial: 60_000, incremental: 6000 };
  const chunk = { initial: 2_000_000, incremental: 200_000 };
  const program = link("suite", js, { stack: 8192, keys, heap, chunk });
  const onEngine = JSON.parse(run(program, [`${ENGINE}/suite`]));
  if (!isDeepStrictEqual(onEngine, JSON.parse(JSON.stringify(results())))) {
    throw new Error("The engine gives other frames, counters or answers than Node does.");
  }
}

/** In heaps of exactly the board's size, but for the flow table, which a board has elsewhere. */
function checkFirmware(js: string, { name, heaps, flows }: (typeof FIRMWARES)[number]): void {
  const { creation } = JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8"));
  const { chunk, heap } = JSON.parse(readFileSync(join(ROOT, "boards/common", heaps), "utf8")).creation;
  const elsewhere = flows === undefined ? 0 : flowTableBytes(flows.sessions, flows.neighbours);
  const program = link(name, js, {
    stack: creation.stack,
    keys: { ...creation.keys, ...XSL_SIZES },
    heap,
    chunk: { ...chunk, initial: chunk.initial + elsewhere },
  });
  const { atRest, inUse, restored } = JSON.parse(run(program, [`${ENGINE}/${name}`]));
  const held = ({ slots, chunkBytes }: typeof atRest) => `${slots} slots and ${chunkBytes - elsewhere} bytes`;
  console.log(`      of ${heap.initial} slots and ${chunk.initial} bytes at rest ${held(atRest)},`);
  console.log(`      ${held(inUse)} once a full configuration was typed, ${held(restored)} once it was restored;`);
  console.log(`      of ${creation.stack} slots of stack ${restored.stackSlots}; ${restored.keys} names at run time`);
}

function checkHeaders(): void {
  if (process.env.IDF_PATH === undefined) {
    console.log(`${styleText("yellow", "skip")}  C files against ESP-IDF's headers: IDF_PATH is not set`);
    return;
  }
  check("C files against ESP-IDF's headers", () => {
    execFileSync("vitest", ["run", "--config", ".config/vitest.config.ts", "test/boards/headers"], {
      cwd: ROOT,
      env: environment,
      timeout: TIMEOUT_MS,
      stdio: "pipe",
    });
  });
}

function main(): void {
  const problem =
    moddable === ""
      ? "MODDABLE is not set"
      : existsSync(join(tools, "mcconfig"))
        ? undefined
        : `there is no ${join(tools, "mcconfig")}`;
  if (problem !== undefined) {
    console.log(styleText("yellow", `SKIPPED: nothing of the device was checked, for ${problem}.`));
    console.log("Set MODDABLE to a Moddable SDK 8.2.3 with its tools built; README.md says how to get one.");
    return;
  }
  for (const board of boards()) {
    check(`mcconfig: ${board}`, () => {
      const makefile = generateMakefile(board);
      compareFunctions(makefile);
      checkTypes(makefile);
    });
  }
  let js = "";
  check("the core as JavaScript", () => {
    js = compileForEngine();
  });
  if (js !== "") {
    check("XS with the core in ROM: linked without a warning, and all results as on Node", () => checkSuite(js));
    for (const one of FIRMWARES) {
      check(`XS in ${one.heaps}, ${one.flows === undefined ? "without memory for flows" : "flows elsewhere"}`, () =>
        checkFirmware(js, one),
      );
    }
  }
  checkHeaders();
  if (failures > 0) process.exitCode = 1;
}

try {
  main();
} finally {
  if (process.argv.includes("--keep")) console.log(`kept: ${resolve(temporary)}`);
  else rmSync(temporary, { recursive: true, force: true });
}
