import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BROADCAST_MAC,
  formatAddress,
  formatMac,
  formatPrefix,
  isGroupMac,
  isMulticast,
  isUnicastSource,
  parseAddress,
  parsePrefix,
  prefixContains,
  prefixMask,
} from "../../src/core/address.js";

const anyAddress = fc.integer({ min: -0x80000000, max: 0x7fffffff });

function address(text: string): number {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

describe("IPv4 address", () => {
  it("is an int32 with the bits of the wire", () => {
    expect(address("192.168.1.1")).toBe(0xc0a80101 | 0);
    expect(address("255.255.255.255")).toBe(-1);
    expect(address("0.0.0.0")).toBe(0);
  });

  it("survives formatting and parsing", () => {
    fc.assert(fc.property(anyAddress, (value) => parseAddress(formatAddress(value)) === value));
  });

  it.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1..2.3",
    "0x1.2.3.4",
    "1.2.3.-4",
  ])("is not %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it.each(["0.0.0.0", "0.1.2.3", "127.255.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"])(
    "RFC1812 §5.3.7: %s is in a special block and no source of a reply",
    (text) => {
      expect(isUnicastSource(address(text))).toBe(false);
    },
  );

  it("is a group's in 224.0.0.0/4 alone", () => {
    expect(
      ["223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0"].map((text) => isMulticast(address(text))),
    ).toEqual([false, true, true, false]);
  });

  it.each(["1.0.0.1", "126.255.255.255", "128.0.0.1", "223.255.255.255"])("%s is beside the special blocks", (text) => {
    expect(isUnicastSource(address(text))).toBe(true);
  });
});

describe("prefix", () => {
  it("has the mask of its length", () => {
    expect(prefixMask(0)).toBe(0);
    expect(prefixMask(1)).toBe(address("128.0.0.0"));
    expect(prefixMask(24)).toBe(address("255.255.255.0"));
    expect(prefixMask(31)).toBe(-2);
    expect(prefixMask(32)).toBe(-1);
  });

  it("survives formatting and parsing, host bits included", () => {
    fc.assert(
      fc.property(anyAddress, fc.integer({ min: 0, max: 32 }), (value, length) => {
        expect(parsePrefix(formatPrefix({ address: value, length }))).toEqual({ address: value, length });
      }),
    );
  });

  it("reads a bare address as /32", () => {
    expect(parsePrefix("10.0.0.1")).toEqual({ address: address("10.0.0.1"), length: 32 });
  });

  it.each(["10.0.0.1/", "10.0.0.1/33", "10.0.0.1/024", "10.0.0.1/-1", "10.0.0/8", "10.0.0.1/8/8", "/8"])(
    "is not %j",
    (text) => {
      expect(parsePrefix(text)).toBeUndefined();
    },
  );

  it("contains exactly the addresses that share its leading bits", () => {
    fc.assert(
      fc.property(anyAddress, anyAddress, fc.integer({ min: 0, max: 32 }), (network, other, length) => {
        const bits = (value: number) => (value >>> 0).toString(2).padStart(32, "0").slice(0, length);
        expect(prefixContains({ address: network, length }, other)).toBe(bits(network) === bits(other));
      }),
    );
  });
});

describe("MAC address", () => {
  it("is printed as six octets", () => {
    expect(formatMac(0x020000000a1f)).toBe("02:00:00:00:0a:1f");
    expect(formatMac(BROADCAST_MAC)).toBe("ff:ff:ff:ff:ff:ff");
  });

  it("is a group address by the lowest bit of its first octet", () => {
    expect(isGroupMac(BROADCAST_MAC)).toBe(true);
    expect(isGroupMac(0x01005e000001)).toBe(true);
    expect(isGroupMac(0x020000000001)).toBe(false);
    expect(isGroupMac(0xfe0000000001)).toBe(false);
  });
});
