import { expect, it } from "vitest";
import { describeIf } from "../support/skip.js";
import { checkHeaders, missingForHeaders } from "./headers.js";

const TIMEOUT_MS = 120_000;

const reason = missingForHeaders();

describeIf(reason === undefined, reason ?? "", "the board's C files", () => {
  it("agree with the headers of ESP-IDF and the SDK, on both processors", { timeout: TIMEOUT_MS }, () => {
    const checks = checkHeaders();
    expect(checks.length).toBeGreaterThan(8);
    expect(checks.filter(({ complaints }) => complaints !== "")).toEqual([]);
  });

  it.each([
    ["ethernetPort.c", "esp_eth_transmit(driver, frame, length)", "esp_eth_transmit(driver, frame)"],
    ["wifiPort.c", "config.sta.sae_pwe_h2e", "config.sta.sae_pwe"],
    ["xsFramePort.c", "xsmcToInteger(xsArg(1))", "xsToInteger(xsArg(1))"],
  ])("would not get away with a mistake in %s", { timeout: TIMEOUT_MS }, (name, text, mistake) => {
    const checks = checkHeaders((file, original) => (file === name ? original.replace(text, mistake) : original));
    const complaining = checks.filter(({ complaints }) => complaints !== "");
    expect([...new Set(complaining.map(({ file }) => file))]).toEqual([name]);
  });
});
