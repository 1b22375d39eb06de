/** The manifest lists what mcconfig must not find by itself; these tests keep the lists whole. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";

const manifest = JSON.parse(readFileSync("manifest.json", "utf8"));
const BOARDS = readdirSync("boards")
  .map((name) => `boards/${name}`)
  .filter((directory) => existsSync(`${directory}/manifest.json`));
/** TypeScript modules by their names. */
const modulesIn = (directory: string, recursive: boolean) =>
  readdirSync(directory, { recursive, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${directory}/${name.slice(0, -".ts".length)}`);
const sources = modulesIn("src", true);
const common = modulesIn("boards/common", false);
/** Boards with a radio include them by radio.json; types alone are no modules. */
const NOT_EVERYWHERE = ["boards/common/wifi", "boards/common/native.d", "boards/common/board"];

describe("manifest.json", () => {
  it("preloads every module by its exact name", () => {
    const expected = [...sources, ...common.filter((name) => !NOT_EVERYWHERE.includes(name)), "boards/this/board"];
    expect([...manifest.preload].sort()).toEqual(expected.sort());
  });

  it("has every directory of src under its own name, so that relative imports mean the same as on disk", () => {
    const lines = Object.entries(manifest.modules).filter(([target]) => target.startsWith("src/"));
    for (const [target, source] of lines) expect(source).toBe(`./${target}`);
    const directories = new Set(sources.map((name) => `${dirname(name)}/*`));
    expect(new Set(lines.map(([target]) => target))).toEqual(directories);
  });

  it("lists every preloaded module of the boards", () => {
    const listed: string[] = manifest.modules["boards/common/*"];
    const preloaded = manifest.preload.filter((name: string) => name.startsWith("boards/common/"));
    expect(listed).toEqual(expect.arrayContaining(preloaded.map((name: string) => `./${name}`)));
    for (const path of listed) expect(existsSync(`${path}.ts`) || existsSync(`${path}.c`), path).toBe(true);
  });

  it("has the product's version", () => {
    expect(manifest.config.version).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
  });

  it("calls functions of ESP-IDF as boards/types/ffi.d.ts declares them", () => {
    const types: Record<string, string> = { "char*": "string", "void*": "ArrayBuffer", void: "void" };
    const typeOf = (name: string) => types[name] ?? "number";
    const functions = Object.entries(
      manifest.ffi.functions as Record<string, { returns: string; arguments: string[] }>,
    );
    const declared = functions.map(([name, one]) => {
      const parameters = one.arguments.map((type, index) => `arg${index}: ${typeOf(type)}`).join(", ");
      return `${name}(${parameters}): ${typeOf(one.returns)};`;
    });
    const types_ = readFileSync("boards/types/ffi.d.ts", "utf8");
    expect([...types_.matchAll(/^ {4}(\w+\(.*\): \w+;)$/gm)].map((match) => match[1]).sort()).toEqual(declared.sort());
  });
});

describe.each(BOARDS)("%s", (board) => {
  const own = JSON.parse(readFileSync(`${board}/manifest.json`, "utf8"));
  const settings = readFileSync(`${board}/sdkconfig/sdkconfig.defaults`, "utf8");

  it("says what it is, by its directory's name", () => {
    expect(existsSync(`${board}/board.ts`)).toBe(true);
    expect(readFileSync(`${board}/board.ts`, "utf8")).toContain(`name: "${board.slice("boards/".length)}"`);
    expect(own.modules["boards/this/board"]).toBe("./board");
  });

  it("has heaps, frame slots, two images and a watchdog", () => {
    const heap = own.include.filter((name: string) => /(heap|esp32Heap|psram)\.json$/.test(name));
    expect(heap).toHaveLength(1);
    expect(Math.log2(own.defines.framePort.slots) % 1).toBe(0);
    expect(own.build.PARTITIONS_FILE_FOR_TARGET).toContain("partitions.csv");
    for (const line of ["CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE=y", "CONFIG_ESP_TASK_WDT_EN=y"]) {
      expect(settings).toContain(line);
    }
  });

  it("lets no radio sleep, whose noise random numbers are made of", () => {
    const isAwake = settings.includes("CONFIG_ESP_WIFI_STA_DISCONNECTED_PM_ENABLE=n");
    expect(isAwake).toBe(own.include.includes("../common/radio.json"));
  });

  it("includes the drivers of its ports, and no others", () => {
    const code = readFileSync(`${board}/board.ts`, "utf8");
    expect(own.include.includes("../common/ethernet.json")).toBe(code.includes('"ethernet"'));
    expect(own.include.includes("../common/radio.json")).toBe(code.includes("Wifi"));
    expect(own.include.includes("../common/heap.json")).toBe(code.includes("capacity: FULL_CAPACITY"));
    expect(own.include.includes("../common/esp32Heap.json")).toBe(code.includes("capacity: ESP32_CAPACITY"));
    expect(own.include.includes("../common/psram.json")).toBe(code.includes("capacity: PSRAM_CAPACITY"));
  });
});

it("the partitions fill 4 MB, without holes, with images where the bootloader looks for them", () => {
  const rows = readFileSync("boards/common/partitions.csv", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(",").map((cell) => cell.trim()));
  let end = 0xd000;
  for (const [, , , offset, size] of rows) {
    expect(Number(offset)).toBe(end);
    end += Number(size);
  }
  expect(end).toBe(0x400000);
  const images = rows.filter(([, type]) => type === "app");
  expect(images.map(([, , , offset]) => Number(offset) % 0x10000)).toEqual([0, 0]);
  expect(images[0]?.[4]).toBe(images[1]?.[4]);
});
