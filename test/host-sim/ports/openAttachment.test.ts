import { describe, expect, test } from "vitest";
import { parseAttachment } from "../../../host-sim/ports/openAttachment.js";

describe("parseAttachment", () => {
  test.each([
    ["tap:lan0", { kind: "tap", name: "lan0" }],
    ["tap:exactly15chars_", { kind: "tap", name: "exactly15chars_" }],
    ["stream:unix:/tmp/a.sock", { kind: "listen", path: "/tmp/a.sock" }],
    ["stream:unix:relative", { kind: "listen", path: "relative" }],
    ["stream:connect:unix:/tmp/a:b.sock", { kind: "connect", path: "/tmp/a:b.sock" }],
    [`stream:unix:/${"x".repeat(102)}`, { kind: "listen", path: `/${"x".repeat(102)}` }],
  ])("understands %s", (text, address) => {
    expect(parseAttachment(text)).toEqual(address);
  });

  test.each([
    "tap:",
    "tap:sixteencharacter",
    "tap:a/b",
    "tap:a b",
    "tap:a:b",
    "tap:tap%d",
    "tap:.",
    "tap:..",
    "tap:lan\n",
  ])("refuses the device name in %j", (text) => {
    expect(() => parseAttachment(text)).toThrow(
      `"${text}" names no network device: a name has 1 to 15 characters without spaces, "/", ":" and "%", as in tap:lan0`,
    );
  });

  test.each(["stream:unix:", "stream:unix:a\0b", `stream:unix:/${"x".repeat(107)}`, `stream:unix:/${"ü".repeat(54)}`])(
    "refuses the path in %j",
    (text) => {
      expect(() => parseAttachment(text)).toThrow(
        /^".*" names no Unix socket: a path has 1 to \d+ bytes, as in stream:unix:/s,
      );
    },
  );

  test.each(["", "lan0", "TAP:lan0", "tap", "stream:/tmp/a", "stream:tcp:1.2.3.4:5", "stream:connect:/tmp/a"])(
    "names the three forms for %j",
    (text) => {
      expect(() => parseAttachment(text)).toThrow(
        `"${text}" is not an attachment: write tap:NAME, stream:unix:PATH or stream:connect:unix:PATH`,
      );
    },
  );
});
