/**
 * Checks the board's C files against the real headers of ESP-IDF and of the Moddable SDK, without building either: the
 * compiler parses them for an ESP32-C3 and for an ESP32. What a build would generate (sdkconfig.h, mc.xs.h, mc.defines.h)
 * is written here.
 *
 * Needs IDF_PATH (v6.0), MODDABLE (8.2.3), and a compiler for each processor with a C library; see COMPILERS.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const TIMEOUT_MS = 60_000;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const COMMON = join(ROOT, "boards/common");

/** A board as far as its C files see it. */
interface Target {
  readonly name: string;
  readonly chip: string;
  /** The folder name of its processor in ESP-IDF. */
  readonly processor: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly hasWifi: boolean;
  readonly sdkconfig: readonly string[];
  readonly defines: readonly string[];
}

/** Where Debian's C library for this processor has its headers; the compiler does not look there by itself. */
const XTENSA_LIBRARY = "/usr/lib/xtensa-lx106-elf/include";

const EVERYWHERE = [
  "FREERTOS_HZ 1000",
  "FREERTOS_IDLE_TASK_STACKSIZE 1536",
  "FREERTOS_MAX_TASK_NAME_LEN 16",
  "FREERTOS_QUEUE_REGISTRY_SIZE 0",
  "FREERTOS_TASK_NOTIFICATION_ARRAY_ENTRIES 1",
  "FREERTOS_TIMER_QUEUE_LENGTH 10",
  "FREERTOS_TIMER_TASK_PRIORITY 1",
  "FREERTOS_TIMER_TASK_STACK_DEPTH 2048",
  "FREERTOS_USE_TIMERS 1",
  "LOG_MAXIMUM_LEVEL 0",
  "ETH_ENABLED 1",
];

const WIFI = [
  "ESP_WIFI_ENABLED 1",
  "ESP_WIFI_SOFTAP_SUPPORT 1",
  "ESP_WIFI_STATIC_RX_BUFFER_NUM 6",
  "ESP_WIFI_DYNAMIC_RX_BUFFER_NUM 12",
  "ESP_WIFI_TX_BUFFER_TYPE 1",
  "ESP_WIFI_DYNAMIC_RX_MGMT_BUF 0",
  "ESP_WIFI_ESPNOW_MAX_ENCRYPT_NUM 7",
];

const TARGETS: readonly Target[] = [
  {
    name: "esp32c3 with the OpenCores MAC",
    chip: "esp32c3",
    processor: "riscv",
    compiler: "riscv64-unknown-elf-gcc",
    flags: ["-march=rv32imc_zicsr", "-mabi=ilp32", "--specs=picolibc.specs", "-DESP32=4"],
    hasWifi: false,
    sdkconfig: [
      "IDF_TARGET_ESP32C3 1",
      "IDF_TARGET_ARCH_RISCV 1",
      "ESP_SYSTEM_SINGLE_CORE_MODE 1",
      "FREERTOS_UNICORE 1",
      "FREERTOS_NUMBER_OF_CORES 1",
      "ETH_USE_OPENETH 1",
      "ETH_OPENETH_DMA_RX_BUFFER_NUM 8",
      "ETH_OPENETH_DMA_TX_BUFFER_NUM 2",
    ],
    defines: ["FRAMEPORT_ETHERNET (1)"],
  },
  {
    name: "esp32 with its own MAC and Wi-Fi",
    chip: "esp32",
    processor: "xtensa",
    compiler: "xtensa-lx106-elf-gcc",
    flags: ["-idirafter", XTENSA_LIBRARY, "-DESP32=1"],
    hasWifi: true,
    sdkconfig: [
      "IDF_TARGET_ESP32 1",
      "IDF_TARGET_ARCH_XTENSA 1",
      "FREERTOS_NUMBER_OF_CORES 2",
      "ETH_USE_ESP32_EMAC 1",
      "ETH_DMA_RX_BUFFER_NUM 10",
      ...WIFI,
    ],
    defines: [
      "FRAMEPORT_ETHERNET (1)",
      "FRAMEPORT_WIFI (1)",
      "ETHERNET_INTERNAL_PHY_ADDRESS (1)",
      "ETHERNET_INTERNAL_PHY_RESET (16)",
      "ETHERNET_INTERNAL_MAC_MDC (23)",
      "ETHERNET_INTERNAL_MAC_MDIO (18)",
    ],
  },
];

/** Debian's packages for what `missingForHeaders` asks for. */
const COMPILERS =
  "gcc-riscv64-unknown-elf, picolibc-riscv64-unknown-elf, gcc-xtensa-lx106 and picolibc-xtensa-lx106-elf";

const idfFolders = (chip: string, processor: string): readonly string[] => [
  "",
  "esp_blockdev/include",
  "esp_coex/include",
  "esp_common/include",
  "esp_driver_gpio/include",
  "esp_eth/include",
  "esp_event/include",
  "esp_hal_gpio/include",
  `esp_hal_gpio/${chip}/include`,
  "esp_hw_support/include",
  "esp_hw_support/etm/include",
  "esp_libc/platform_include",
  "esp_netif/include",
  "esp_partition/include",
  "esp_phy/include",
  "esp_rom/include",
  `esp_rom/${chip}/include`,
  `esp_rom/${chip}/include/${chip}`,
  "esp_system/include",
  "esp_timer/include",
  "esp_wifi/include",
  `${processor}/include`,
  `${processor}/${chip}/include`,
  "freertos/config/include",
  "freertos/config/include/freertos",
  `freertos/config/${processor}/include`,
  "freertos/FreeRTOS-Kernel/include",
  `freertos/FreeRTOS-Kernel/portable/${processor}/include`,
  `freertos/FreeRTOS-Kernel/portable/${processor}/include/freertos`,
  "freertos/esp_additions/include",
  `freertos/esp_additions/arch/${processor}/include`,
  "hal/include",
  `hal/${chip}/include`,
  "hal/platform_port/include",
  "heap/include",
  "log/include",
  "soc/include",
  `soc/${chip}/include`,
  `soc/${chip}/register`,
  "wpa_supplicant/esp_supplicant/include",
];

/** C files that belong to boards with Wi-Fi alone. */
const isWifi = (file: string): boolean => /wifi/i.test(file);

/** Why the check cannot run here; undefined when it can. */
export function missingForHeaders(): string | undefined {
  for (const name of ["IDF_PATH", "MODDABLE"]) {
    if (!process.env[name]) return `needs ${name}: ESP-IDF v6.0 and the Moddable SDK 8.2.3`;
  }
  const missing = TARGETS.filter(({ compiler }) => spawnSync(compiler, ["--version"]).status !== 0);
  return missing.length === 0 ? undefined : `needs compilers for the board's processors (${COMPILERS})`;
}

/** A board's C file, parsed for a target; `complaints` is empty when it and the headers agree. */
export interface HeaderCheck {
  readonly target: string;
  readonly file: string;
  readonly complaints: string;
}

/**
 * Parses every C file of boards/common for every target that uses it; `change` may alter a file's text first. Throws an
 * Error when `missingForHeaders` has a reason.
 */
export function checkHeaders(change: (file: string, text: string) => string = (_, text) => text): HeaderCheck[] {
  const reason = missingForHeaders();
  if (reason !== undefined) throw new Error(`The check of the board's C files ${reason}`);
  const files = readdirSync(COMMON).filter((file) => file.endsWith(".c"));
  return TARGETS.flatMap((target) =>
    files.filter((file) => target.hasWifi || !isWifi(file)).map((file) => check(target, file, change)),
  );
}

function check(target: Target, file: string, change: (file: string, text: string) => string): HeaderCheck {
  const text = change(file, readFileSync(join(COMMON, file), "utf8"));
  const directory = mkdtempSync(join(tmpdir(), "porter-headers-"));
  try {
    writeGenerated(directory, target, text);
    // The changed text lies elsewhere, and its own headers are found all the same.
    const source = join(directory, file);
    writeFileSync(source, text);
    const { status, stderr, error } = spawnSync(target.compiler, parameters(target, directory, source), {
      encoding: "utf8",
      timeout: TIMEOUT_MS,
    });
    const complaints = status === 0 ? stderr : stderr || String(error);
    return { target: target.name, file, complaints: complaints.replaceAll(`${directory}/`, "") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function parameters(target: Target, generated: string, source: string): string[] {
  const idf = idfFolders(target.chip, target.processor).map((folder) => join(idfPath(), "components", folder));
  const sdk = ["xs/includes", "xs/platforms/esp"].map((folder) => join(moddablePath(), folder));
  return [
    "-std=gnu17",
    "-fsyntax-only",
    "-ffreestanding",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    // The headers are others', and complain in other compilers than theirs.
    ...[COMMON, join(ROOT, "src/flow"), generated].flatMap((folder) => ["-I", folder]),
    ...[...sdk, ...idf].flatMap((folder) => ["-isystem", folder]),
    // As the SDK's own makefile has it.
    "-D__ets__",
    "-U__STRICT_ANSI__",
    ...target.flags,
    source,
  ];
}

const idfPath = (): string => process.env.IDF_PATH as string;
const moddablePath = (): string => process.env.MODDABLE as string;

function writeGenerated(directory: string, target: Target, text: string): void {
  mkdirSync(directory, { recursive: true });
  const lines = (prefix: string, definitions: readonly string[]): string =>
    definitions.map((definition) => `#define ${prefix}${definition}\n`).join("");
  writeFileSync(
    join(directory, "sdkconfig.h"),
    `#define CONFIG_IDF_TARGET "${target.chip}"\n${lines("CONFIG_", [...EVERYWHERE, ...target.sdkconfig])}`,
  );
  writeFileSync(
    join(directory, "mc.defines.h"),
    lines("MODDEF_", ["TASK_QUEUELENGTH (24)", "TASK_QUEUEWAIT (0)", ...target.defines]),
  );
  const ids = [...new Set(text.match(/\bxsID_\w+/g))];
  writeFileSync(
    join(directory, "mc.xs.h"),
    lines(
      "",
      ids.map((id, index) => `${id} ((xsIdentifier)${index + 1})`),
    ),
  );
}
