import { beforeEach, describe, expect, it } from "vitest";
import { NEVER } from "../../src/core/clock.js";
import { ip } from "../support/stackFixture.js";
import { ConsoleFixture, HOME, LanHost } from "./fixture.js";

describe("ping", () => {
  let porter: ConsoleFixture;
  beforeEach(() => {
    porter = new ConsoleFixture();
    porter.run(...HOME);
    const { lan, wan, neighbours } = porter.gateway;
    neighbours.learn(lan, ip("192.168.1.50"), 0x020000000010, true);
    neighbours.learn(wan, ip("203.0.113.1"), 0x020000000011, true);
  });

  it("prints a line for each of 4 answers, a second apart, and a summary", () => {
    const host = new LanHost(porter);
    const outputs = [porter.run("ping 192.168.1.50")];
    for (const roundTripMs of [3, 1, 2.25, 4]) {
      porter.advance(roundTripMs);
      host.exchange();
      outputs.push(porter.take());
      porter.advance(1000 - roundTripMs);
    }
    expect(outputs).toEqual([
      "",
      "32 bytes from 192.168.1.50: seq=1 time=3 ms\n",
      "32 bytes from 192.168.1.50: seq=2 time=1 ms\n",
      "32 bytes from 192.168.1.50: seq=3 time=2.3 ms\n",
      "32 bytes from 192.168.1.50: seq=4 time=4 ms\n4 sent, 4 received, 0% lost, round trip min/avg/max 1/2.6/4 ms\n",
    ]);
    expect(porter.console.isBusy).toBe(false);
    expect(porter.console.nextDeadline()).toBe(NEVER);
    expect(porter.outcomes.at(-1)).toBe("ok");
  });

  it("says which requests nobody answered", () => {
    porter.run("ping 192.168.1.50");
    porter.advance(3999);
    expect(porter.console.isBusy).toBe(true);
    porter.advance(1);
    expect(porter.take()).toBe(
      [1, 2, 3, 4].map((seq) => `no answer from 192.168.1.50: seq=${seq}\n`).join("") +
        "4 sent, 0 received, 100% lost\n",
    );
  });

  it("says which requests found no station to go to", () => {
    porter.run("ping 192.168.1.77");
    porter.advance(10_000);
    expect(porter.take()).toMatch(/no answer from 192\.168\.1\.77: seq=\d, host unreachable\n/);
  });

  it("is refused where there is no route", () => {
    porter.run("set wan gateway none");
    expect(porter.run("ping 198.51.100.1")).toMatch(/^error: no route to 198\.51\.100\.1[^\n]*\n$/);
    expect(porter.console.isBusy).toBe(false);
  });

  it("ends with an error when the route goes away", () => {
    porter.run("ping 198.51.100.1");
    porter.gateway.setGateway(porter.gateway.wan.index, 0);
    porter.advance(2000);
    expect(porter.take()).toMatch(/no answer from 198\.51\.100\.1: seq=1\nerror: no route to [^\n]*\n$/);
    expect(porter.outcomes.at(-1)).toBe("error");
  });

  it("makes way for the next line, with a summary", () => {
    expect(porter.run("ping 192.168.1.50", "show arp")).toMatch(/^1 sent, 0 received, 100% lost\nADDRESS/);
    porter.advance(10_000);
    expect(porter.take()).toBe("");
  });
});
