import { expect, it } from "vitest";
import { canBuild, SANITIZER_FLAGS } from "../flow/native/build.js";
import { describeIf } from "../support/skip.js";
import { buildProgram, complaintsAfter, describeCases, NO_FLOW_CACHE } from "./native/build.js";

const TIMEOUT_MS = 120_000;

const REASON = "needs a C compiler `cc` with AddressSanitizer and UndefinedBehaviorSanitizer";

const CORE = ["framePort.c", "frameRing.c"];
// The fakes see every buffer come back.
const FLAGS = [...SANITIZER_FLAGS, "-Wl,--wrap=free"];

const build = (name: string, driver: string, defines: readonly string[]): string =>
  buildProgram(name, [...CORE, driver], {
    flags: [...FLAGS, ...defines.map((define) => `-D${define}`)],
    fakes: ["idf.c"],
    flowCache: NO_FLOW_CACHE,
  });

describeCases(canBuild(...FLAGS), REASON, "Ethernet with the OpenCores MAC", () =>
  build("ethernet", "ethernetPort.c", ["CONFIG_ETH_USE_OPENETH=1"]),
);

describeCases(canBuild(...FLAGS), REASON, "Ethernet with the ESP32's MAC", () =>
  build("ethernet", "ethernetPort.c", [
    "MODDEF_ETHERNET_INTERNAL_PHY_ADDRESS=1",
    "MODDEF_ETHERNET_INTERNAL_PHY_RESET=16",
    "MODDEF_ETHERNET_INTERNAL_MAC_MDC=23",
    "MODDEF_ETHERNET_INTERNAL_MAC_MDIO=18",
  ]),
);

describeCases(canBuild(...FLAGS), REASON, "Wi-Fi", () => build("wifi", "wifiPort.c", []));

describeIf(canBuild(...FLAGS), REASON, "the tests of the drivers", () => {
  it.each([
    ["ethernet", "a buffer that is kept", "  free(buffer);\n", ""],
    ["ethernet", "a buffer that is given back twice", "free(buffer);", "free(buffer); free(buffer);"],
    ["ethernet", "a turn that is kept", "xSemaphoreGive(turn);", ""],
    ["ethernet", "a turn that is not taken", "xSemaphoreTake(turn, TURN_TICKS) != pdTRUE", "0"],
    [
      "wifi",
      "a buffer that is kept",
      "STATION, frame, length);\n  esp_wifi_internal_free_rx_buffer(buffer);",
      "STATION, frame, length);",
    ],
    [
      "wifi",
      "a buffer that is taken for its frame",
      "STATION, frame, length);\n  esp_wifi_internal_free_rx_buffer(buffer);",
      "STATION, frame, length);\n  esp_wifi_internal_free_rx_buffer(frame);",
    ],
    [
      "wifi",
      "associating twice",
      "return esp_wifi_connect() == ESP_OK;",
      "return esp_wifi_connect() + esp_wifi_connect() == 0;",
    ],
    ["wifi", "an access point of the driver's own", "  (void)setMode(former);\n", "  (void)former;\n"],
    ["wifi", "TKIP", "  config.ap.pairwise_cipher = WIFI_CIPHER_TYPE_CCMP;\n", ""],
  ])("would notice, of %s, %s", { timeout: TIMEOUT_MS }, (name, _, text, replacement) => {
    const options = { flags: [...FLAGS, "-DCONFIG_ETH_USE_OPENETH=1"], fakes: ["idf.c"] };
    expect(complaintsAfter(name, `${name}Port.c`, [text, replacement], CORE, options)).not.toBe("");
  });
});
