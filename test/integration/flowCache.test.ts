import { afterAll, beforeAll, expect, test } from "vitest";
import { canBuild } from "../flow/native/build.js";
import { describeIf } from "../support/skip.js";
import { Bench, LAN2, ROUTER_LAN, ROUTER_WAN, TCP_PORT, UDP_PORT, WEB } from "./support/bench.js";
import { missingRights } from "./support/namespaces.js";
import { PorterSimulator } from "./support/porterSimulator.js";

/*
 * The heart of gateway.test.ts with the flow cache in C. PORTER_FLOW_CACHE=native runs all of that with it; that it
 * carries what it should, nativeFlowCache.test.ts shows.
 */

const GAME_PORT = 25565;
const TEN_MEGABYTES = 10_000_000;

const missing = missingRights() ?? (canBuild() ? undefined : "needs a C compiler `cc`");

describeIf(missing === undefined, missing ?? "", "the gateway with the flow cache in C", () => {
  let bench: Bench;
  let device: PorterSimulator;

  beforeAll(async () => {
    bench = await Bench.create();
    device = new PorterSimulator(bench, undefined, "native");
    await device.start([
      `set lan address ${ROUTER_LAN}/24`,
      `set wan address ${ROUTER_WAN}/24`,
      `set wan gateway ${WEB}`,
      `forward add both ${GAME_PORT} ${LAN2}`,
    ]);
    await bench.serve(GAME_PORT);
  });

  afterAll(async () => {
    try {
      await device?.stop();
    } finally {
      await bench?.destroy();
    }
  });

  test("carries TCP down and up without an error in it", async () => {
    for (const direction of ["download", "upload"] as const) {
      const result = await bench.lan1[direction](WEB, TCP_PORT, TEN_MEGABYTES);
      expect(result, direction).toMatchObject({ bytes: TEN_MEGABYTES, sent: result.received });
    }
  });

  test("carries UDP datagrams and their answers, with and without padding", async () => {
    for (const bytes of [1, 512, 1472]) {
      const result = await bench.lan1.echoUdp(WEB, UDP_PORT, 20, bytes);
      expect(result).toEqual({ echoed: 20, endpoint: expect.stringMatching(`^${ROUTER_WAN}:`) });
    }
  });

  test("forwards TCP and UDP from the WAN to a host inside", async () => {
    const transfer = await bench.friend.download(ROUTER_WAN, GAME_PORT, 1_000_000);
    expect(transfer).toMatchObject({ bytes: 1_000_000, sent: transfer.received });
    expect(await bench.friend.echoUdp(ROUTER_WAN, GAME_PORT, 20, 1000)).toMatchObject({ echoed: 20 });
  });

  test("turns a LAN host's connection to the WAN address back into the LAN", async () => {
    const transfer = await bench.lan1.upload(ROUTER_WAN, GAME_PORT, 1_000_000);
    expect(transfer).toMatchObject({ sent: transfer.received });
  });
});
