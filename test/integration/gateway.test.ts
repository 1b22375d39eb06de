import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeIf, testIf } from "../support/skip.js";
import {
  Bench,
  FRIEND,
  LAN_PORT,
  LAN2,
  ROUTER_LAN,
  ROUTER_WAN,
  TCP_PORT,
  UDP_PORT,
  WAN_PORT,
  WEB,
} from "./support/bench.js";
import { Capture, tsharkComplaints } from "./support/capture.js";
import { chosenDevice, missingForDevice } from "./support/chosenDevice.js";
import type { DeviceUnderTest } from "./support/deviceUnderTest.js";
import { complaints, framesFrom, ipv4Packets, readPcap, sourceOf } from "./support/frameOracle.js";
import { isInstalled, missingRights } from "./support/namespaces.js";

/*
 * The gateway between real Linux hosts. One bench and one device serve all tests: each test leaves the configuration as
 * it found it. The last tests judge every frame that the device has emitted in the others.
 */

const GAME_PORT = 25565;
const TEN_MEGABYTES = 10_000_000;

const missing = missingRights() ?? missingForDevice();
const hasPing = isInstalled("ping");
const hasTraceroute = isInstalled("traceroute");
const hasTcpdump = isInstalled("tcpdump");
const hasTshark = isInstalled("tshark");
const needsPing = "needs ping (Debian package iputils-ping)";

describeIf(missing === undefined, missing ?? "", "the gateway between Linux hosts", () => {
  const directory = mkdtempSync(join(tmpdir(), "porter-integration-"));
  const captures: Capture[] = [];
  let bench: Bench;
  let device: DeviceUnderTest;

  beforeAll(async () => {
    bench = await Bench.create();
    device = chosenDevice(bench, hasTcpdump ? undefined : directory);
    await device.start([
      `set lan address ${ROUTER_LAN}/24`,
      `set wan address ${ROUTER_WAN}/24`,
      `set wan gateway ${WEB}`,
    ]);
    for (const side of hasTcpdump ? (["lan", "wan"] as const) : []) {
      captures.push(await Capture.start(bench.wires, side === "lan" ? LAN_PORT : WAN_PORT, recording(side)));
    }
    await bench.serve(GAME_PORT);
  });

  afterAll(async () => {
    try {
      await device?.stop();
    } finally {
      await bench?.destroy();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  /** The pcap file of a side, tcpdump's or else Porter's own. */
  function recording(side: "lan" | "wan"): string {
    return join(directory, `${side}.pcap`);
  }

  /** Runs `body` with the console's `command` in force, and `undo` after it whatever happens. */
  async function having(command: string, undo: string, body: () => Promise<void>): Promise<void> {
    expect(await device.console(command)).not.toMatch(/^error/m);
    try {
      await body();
    } finally {
      expect(await device.console(undo)).not.toMatch(/^error/m);
    }
  }

  testIf(
    hasPing,
    needsPing,
    "carries a ping from the LAN to the WAN and answers pings to its own addresses",
    async () => {
      for (const target of [WEB, FRIEND, ROUTER_LAN, ROUTER_WAN]) {
        expect(await bench.lan1.ping(target), target).toContain(" 0% packet loss");
      }
    },
  );

  testIf(hasPing, needsPing, "answers a ping from the WAN to its WAN address", async () => {
    expect(await bench.friend.ping(ROUTER_WAN)).toContain(" 0% packet loss");
  });

  testIf(hasPing, needsPing, "reassembles a fragmented ping to itself and answers it in fragments", async () => {
    expect(await bench.lan1.ping(ROUTER_LAN, "-s", "3000")).toContain(" 0% packet loss");
  });

  testIf(hasPing, needsPing, "passes pings in fragments, and their answers, one by one", async () => {
    // 2, 6 and 45 fragments each way.
    for (const bytes of ["2000", "8000", "65000"]) {
      expect(await bench.lan1.ping(WEB, "-s", bytes)).toContain(" 0% packet loss");
    }
  });

  test("downloads 10 MB without an error in it", async () => {
    const result = await bench.lan1.download(WEB, TCP_PORT, TEN_MEGABYTES);
    expect(result).toMatchObject({ bytes: TEN_MEGABYTES, sent: result.received });
  });

  test("uploads 10 MB without an error in it", async () => {
    const result = await bench.lan1.upload(WEB, TCP_PORT, TEN_MEGABYTES);
    expect(result).toMatchObject({ bytes: TEN_MEGABYTES, sent: result.received });
  });

  test("carries 200 TCP connections at once, each with an endpoint of its own", async () => {
    const result = await bench.lan1.connectInParallel(WEB, TCP_PORT, 200);
    expect(result).toEqual({ connected: 200, completed: 200, endpoints: 200 });
  });

  test("shows its WAN address to a TCP server", async () => {
    const tab = await bench.lan1.mustConnect(WEB, TCP_PORT);
    expect(await tab.ask("whoami")).toMatch(new RegExp(`^${ROUTER_WAN}:\\d+$`));
    await tab.close();
  });

  test("keeps two LAN hosts apart that use the same source port to the same server", async () => {
    // Below the ports that Linux gives to connections itself: none of these has it.
    const first = await bench.lan1.mustConnect(WEB, TCP_PORT, 20_000);
    const second = await bench.lan2.mustConnect(WEB, TCP_PORT, 20_000);
    expect(await first.ask("whoami")).not.toBe(await second.ask("whoami"));
    expect(await first.ask("echo one")).toBe("one");
    expect(await second.ask("echo two")).toBe("two");
    await first.close();
    await second.close();
  });

  test("carries UDP datagrams and their answers, up to 1500 bytes of IP packet", async () => {
    for (const bytes of [1, 512, 1472]) {
      const result = await bench.lan1.echoUdp(WEB, UDP_PORT, 20, bytes);
      expect(result).toEqual({ echoed: 20, endpoint: expect.stringMatching(`^${ROUTER_WAN}:`) });
    }
  });

  test("brings a port unreachable back to the program on the LAN as ECONNREFUSED", async () => {
    expect(await bench.lan1.udpError(WEB, 9)).toBe("ECONNREFUSED");
  });

  test("brings a TCP reset back to the program on the LAN as ECONNREFUSED", async () => {
    expect(await bench.lan1.connect(WEB, 9)).toBe("ECONNREFUSED");
  });

  testIf(
    hasTraceroute,
    "needs traceroute (Debian package traceroute)",
    "is hop 1 of a traceroute, and the errors of the hops behind it come through",
    async () => {
      const options = ["-n", "-q", "1", "-N", "1", "-w", "2", "-m", "6"];
      for (const method of ["-U", "-I"]) {
        const output = await bench.lan1.namespace.mustRun(["traceroute", ...options, method, FRIEND], 20_000);
        const hops = output.split("\n").flatMap((line) => /^\s*\d+\s+(\S+)/.exec(line)?.[1] ?? []);
        expect(hops, output).toEqual([ROUTER_LAN, WEB, FRIEND]);
      }
    },
  );

  test("drops a connection from the WAN until a forward lets it in", async () => {
    expect(await bench.friend.connect(ROUTER_WAN, GAME_PORT)).toBe("ETIMEDOUT");

    await having(`forward add tcp ${GAME_PORT} ${LAN2}`, `forward remove tcp ${GAME_PORT}`, async () => {
      const game = await bench.friend.mustConnect(ROUTER_WAN, GAME_PORT);
      expect(await game.ask("whoami")).toMatch(new RegExp(`^${FRIEND}:\\d+$`));
      expect(await game.ask("echo hello")).toBe("hello");
      await game.close();
      const transfer = await bench.friend.download(ROUTER_WAN, GAME_PORT, 1_000_000);
      expect(transfer).toMatchObject({ bytes: 1_000_000, sent: transfer.received });
    });

    expect(await bench.friend.connect(ROUTER_WAN, GAME_PORT)).toBe("ETIMEDOUT");
  });

  test("forwards UDP, to another port inside", async () => {
    expect(await bench.friend.echoUdp(ROUTER_WAN, 5000, 1, 100)).toEqual({ error: "ETIMEDOUT" });
    await having(`forward add udp 5000 ${LAN2} ${GAME_PORT}`, "forward remove udp 5000", async () => {
      const result = await bench.friend.echoUdp(ROUTER_WAN, 5000, 5, 1000);
      expect(result).toEqual({ echoed: 5, endpoint: expect.stringMatching(`^${FRIEND}:`) });
    });
  });

  test("turns a LAN host's connection to the WAN address back into the LAN", async () => {
    await having(`forward add tcp ${GAME_PORT} ${LAN2}`, `forward remove tcp ${GAME_PORT}`, async () => {
      const game = await bench.lan1.mustConnect(ROUTER_WAN, GAME_PORT);
      // RFC 5382 REQ-8: the inner host sees the external endpoint, or its answers would go past the NAT.
      expect(await game.ask("whoami")).toMatch(new RegExp(`^${ROUTER_WAN}:\\d+$`));
      expect(await game.ask("echo hairpin")).toBe("hairpin");
      await game.close();
      const transfer = await bench.lan1.upload(ROUTER_WAN, GAME_PORT, 1_000_000);
      expect(transfer).toMatchObject({ sent: transfer.received });
    });
  });

  test("lets the host behind the forward reach itself over the WAN address", async () => {
    await having(`forward add tcp ${GAME_PORT} ${LAN2}`, `forward remove tcp ${GAME_PORT}`, async () => {
      const game = await bench.lan2.mustConnect(ROUTER_WAN, GAME_PORT);
      expect(await game.ask("echo myself")).toBe("myself");
      await game.close();
    });
  });

  test("connections go on across a restart", async () => {
    const talk = await bench.lan1.mustConnect(WEB, TCP_PORT);
    const before = await talk.ask("whoami");
    expect(await device.console("restart")).toBe("restarting");
    expect(await talk.ask("whoami")).toBe(before);
    await talk.close();
  });

  test("after a fresh restart a connection from before is reset at once, and another one can be made", async () => {
    const talk = await bench.lan1.mustConnect(WEB, TCP_PORT);
    expect(await talk.ask("echo before")).toBe("before");
    expect(await device.console("restart fresh")).toBe("restarting");
    expect(await talk.ask("echo after")).toContain("ECONNRESET");
    const next = await bench.lan1.mustConnect(WEB, TCP_PORT);
    expect(await next.ask("echo next")).toBe("next");
    await next.close();
  });

  testIf(hasPing, needsPing, "carries 1500-byte packets that must not be fragmented", async () => {
    expect(await bench.lan1.ping(WEB, "-M", "do", "-s", "1472")).toContain(" 0% packet loss");
  });

  testIf(hasPing, needsPing, "says fragmentation needed, with the MTU, when the WAN's is smaller", async () => {
    await having("set wan mtu 1400", "set wan mtu 1500", async () => {
      const output = await bench.lan1.ping(WEB, "-M", "do", "-s", "1472");
      expect(output).toMatch(/From 192\.168\.1\.1 .*Frag(mentation)? needed.*mtu = 1400/);
      expect(await bench.lan1.ping(WEB, "-M", "do", "-s", "1372")).toContain(" 0% packet loss");
    });
    await bench.forgetPathMtus();
  });

  test("uploads through a WAN with a smaller MTU: the LAN host finds the path MTU", async () => {
    await having("set wan mtu 1400", "set wan mtu 1500", async () => {
      const result = await bench.lan1.upload(WEB, TCP_PORT, 1_000_000);
      expect(result).toMatchObject({ bytes: 1_000_000, sent: result.received });
    });
    await bench.forgetPathMtus();
  });

  test("downloads into a LAN with a smaller MTU: the server finds the path MTU", async () => {
    await having("set lan mtu 1400", "set lan mtu 1500", async () => {
      const result = await bench.lan1.download(WEB, TCP_PORT, 1_000_000);
      expect(result).toMatchObject({ bytes: 1_000_000, sent: result.received });
    });
    await bench.forgetPathMtus();
  });

  test("uploads over a narrow link behind the WAN: that router's errors reach the LAN host", async () => {
    const server = await bench.friend.serveTcp(TCP_PORT);
    await bench.web.namespace.ip("link set eth1 mtu 1300");
    const result = await bench.lan1.upload(FRIEND, TCP_PORT, 1_000_000);
    expect(result).toMatchObject({ bytes: 1_000_000, sent: result.received });
    await bench.web.namespace.ip("link set eth1 mtu 1500");
    await bench.forgetPathMtus();
    await server.stop();
  });

  describe("in all that", () => {
    let lanSource: string;
    let wanSource: string;

    beforeAll(async () => {
      lanSource = await bench.lan1.neighbour(ROUTER_LAN);
      wanSource = await bench.web.neighbour(ROUTER_WAN);
      for (const capture of captures) {
        await capture.stop();
      }
      await device.stop();
    });

    test("no frame that it emitted has a wrong checksum or length, and none leaks an inner address", () => {
      const lan = framesFrom(lanSource, readPcap(readFileSync(recording("lan"))));
      const wan = framesFrom(wanSource, readPcap(readFileSync(recording("wan"))));
      expect(lan.length).toBeGreaterThan(5000);
      expect(wan.length).toBeGreaterThan(5000);
      expect(complaints(lan)).toEqual([]);
      expect(complaints(wan)).toEqual([]);
      expect(new Set(ipv4Packets(wan).map(sourceOf))).toEqual(new Set([ROUTER_WAN]));
    });

    testIf(hasTshark, "needs tshark", "tshark finds nothing wrong in the frames that it emitted", async () => {
      expect(await tsharkComplaints(recording("lan"), lanSource)).toEqual([]);
      expect(await tsharkComplaints(recording("wan"), wanSource)).toEqual([]);
    });
  });
});
