import { describe, expect, it } from "vitest";
import { macHead, macTail } from "../../src/core/address.js";
import { MacFilter } from "../../src/firewall/macFilter.js";
import { NO_EFFECTS } from "./arbitraries.js";

const TABLET = 0x020000000010;
const PHONE = 0xf20000000010;
const refuses = (filter: MacFilter, mac: number) => filter.refuses(macHead(mac), macTail(mac));

describe("the MAC lists", () => {
  it("refuse nobody while they are empty", () => {
    expect(refuses(new MacFilter(4, NO_EFFECTS), TABLET)).toBe(false);
  });

  it("refuse whom they deny, and nobody else", () => {
    const filter = new MacFilter(4, NO_EFFECTS);
    filter.set(TABLET, false);
    expect([refuses(filter, TABLET), refuses(filter, PHONE)]).toEqual([true, false]);
  });

  it("refuse everybody else as soon as they allow somebody", () => {
    const filter = new MacFilter(4, NO_EFFECTS);
    filter.set(TABLET, true);
    expect([refuses(filter, TABLET), refuses(filter, PHONE)]).toEqual([false, true]);
    filter.remove(TABLET);
    expect([refuses(filter, TABLET), refuses(filter, PHONE)]).toEqual([false, false]);
  });

  it("have a station once: the later word counts", () => {
    const filter = new MacFilter(1, NO_EFFECTS);
    filter.set(TABLET, true);
    expect(filter.set(TABLET, false)).toBeUndefined();
    expect(filter.list()).toMatchObject([{ mac: TABLET, isAllowed: false }]);
    expect([refuses(filter, TABLET), refuses(filter, PHONE)]).toEqual([true, false]);
  });

  it("say so when they are full, or do not have a station", () => {
    const filter = new MacFilter(1, NO_EFFECTS);
    filter.set(TABLET, false);
    expect(filter.set(PHONE, false)).toBe("all 1 places for stations are in use; remove one first");
    expect(filter.remove(PHONE)).toBe('station f2:00:00:00:00:10 is not listed; "show macs" lists those that are');
    expect(filter.list()).toMatchObject([{ mac: TABLET }]);
  });
});
