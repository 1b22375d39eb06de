import { describe, expect, it } from "vitest";
import { crc32, decodeSaved, encodeSaved } from "../../src/config/savedConfig.js";

describe("a saved configuration", () => {
  const script = "set hostname lobby\nset lan mtu 1400\n";

  it("is the script behind a line with its format and checksum", () => {
    expect(encodeSaved(script)).toMatch(
      /^# porter config 1 crc32=[0-9a-f]{8}\nset hostname lobby\nset lan mtu 1400\n$/,
    );
    expect(decodeSaved(encodeSaved(script))).toBe(script);
    expect(decodeSaved(encodeSaved(""))).toBe("");
  });

  it("that is cut short anywhere is refused", () => {
    const text = encodeSaved(script);
    for (let length = 0; length < text.length; length++) {
      expect(() => decodeSaved(text.slice(0, length)), `${length} characters`).toThrow(
        /^the saved configuration [^\n]+$/,
      );
    }
  });

  it("with a changed character is refused", () => {
    expect(() => decodeSaved(encodeSaved(script).replace("1400", "1401"))).toThrow("damaged");
  });

  it("of another format, or not Porter's, is refused", () => {
    expect(() => decodeSaved(encodeSaved(script).replace("config 1", "config 2"))).toThrow("format 2");
    expect(() => decodeSaved('{"hostname":"lobby"}')).toThrow("not written by Porter");
  });
});

it("crc32 gives the check value of IEEE 802.3", () => {
  expect(crc32("123456789") >>> 0).toBe(0xcbf43926);
});
