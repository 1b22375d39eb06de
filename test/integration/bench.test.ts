import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeIf } from "../support/skip.js";
import { Bench, LAN2, ROUTER_LAN, ROUTER_WAN, WEB } from "./support/bench.js";
import { LinuxRouter } from "./support/linuxRouter.js";
import { missingRights, Namespace } from "./support/namespaces.js";

/* That the bench itself is right: nothing crosses it without a gateway, and the Linux kernel's own NAT passes. */

const missing = missingRights() ?? LinuxRouter.missing();

describeIf(missing === undefined, missing ?? "", "the bench", () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await Bench.create();
    await bench.web.serveTcp(80);
    await bench.lan2.serveTcp(25565);
  });

  afterAll(async () => {
    await bench?.destroy();
  });

  test("has no way from the LAN to the WAN without a device", async () => {
    expect(await bench.lan1.connect(WEB, 80)).toMatch(/^(ETIMEDOUT|EHOSTUNREACH)$/);
    expect(await bench.lan1.connect(LAN2, 25565)).not.toBeTypeOf("string");
  });

  test("works with the kernel's NAT as the device, and without it no more", async () => {
    const router = new LinuxRouter(bench);
    await router.start([
      `set lan address ${ROUTER_LAN}/24`,
      `set wan address ${ROUTER_WAN}/24`,
      `set wan gateway ${WEB}`,
      `forward add tcp 25565 ${LAN2}`,
    ]);
    const download = await bench.lan1.download(WEB, 80, 1_000_000);
    expect(download).toMatchObject({ bytes: 1_000_000, sent: download.received });
    const game = await bench.friend.mustConnect(ROUTER_WAN, 25565);
    expect(await game.ask("echo hello")).toBe("hello");
    await game.close();
    await router.stop();
    expect(await bench.lan1.connect(WEB, 80)).toMatch(/^(ETIMEDOUT|EHOSTUNREACH)$/);
  });

  test("leaves no namespace behind, and none of its processes", async () => {
    const namespace = await Namespace.create("short");
    const sleeper = namespace.start(["sleep", "60"]);
    expect(existsSync(`/run/netns/${namespace.name}`)).toBe(true);
    await namespace.destroy();
    expect(existsSync(`/run/netns/${namespace.name}`)).toBe(false);
    expect(sleeper.running).toBe(false);
  });
});
