import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeIf } from "../support/skip.js";
import { missingRights, Namespace } from "./support/namespaces.js";
import type { Background } from "./support/processes.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BRIDGE = [process.execPath, ".config/run.mjs", "test/integration/tapBridge.ts"];

const missing = missingRights();

describeIf(missing === undefined, missing ?? "", "a TAP attachment", () => {
  let home: Namespace;
  let left: Namespace;
  let right: Namespace;

  beforeEach(async () => {
    [home, left, right] = await Promise.all([
      Namespace.create("taps"),
      Namespace.create("left"),
      Namespace.create("right"),
    ]);
  });

  afterEach(async () => {
    await Promise.all([home.destroy(), left.destroy(), right.destroy()]);
  });

  /** Carries frames between two devices of `home`; they are attached when this returns. */
  async function bridged(...attachments: string[]): Promise<Background> {
    const bridge = home.start([...BRIDGE, ...attachments], ROOT);
    await bridge.line(/^ready$/, 20_000);
    return bridge;
  }

  /** Moves the two devices into the namespaces of the hosts at their ends: they stay attached. */
  async function moveApart(): Promise<void> {
    await home.ip(`link set lan0 netns ${left.name}`, `link set wan0 netns ${right.name}`);
    await left.ip("addr add 10.9.0.1/24 dev lan0", "link set lan0 up");
    await right.ip("addr add 10.9.0.2/24 dev wan0", "link set wan0 up");
  }

  async function pings(count = 1, payloadBytes = 1472): Promise<string> {
    const { stdout } = await left.run(
      ["ping", "-n", "-q", "-M", "do", "-i", "0.01", "-W", "1", "-c", `${count}`, "-s", `${payloadBytes}`, "10.9.0.2"],
      20_000,
    );
    return /\d+ received/.exec(stdout)?.[0] ?? stdout;
  }

  /** Why an attachment to `text` fails in `home`, when `argv` goes before the program. */
  async function refusal(text: string, argv: readonly string[] = []): Promise<string> {
    const { code, stdout } = await home.run(
      ["sh", "-c", `cd ${ROOT} && exec "$@"`, "sh", ...argv, ...BRIDGE, text, "tap:other"],
      20_000,
    );
    expect(code).toBe(1);
    return stdout.trim();
  }

  test("makes devices that are up, carries full frames, and takes them away when closed", async () => {
    const bridge = await bridged("tap:lan0", "tap:wan0");
    expect(await home.mustRun(["ip", "-o", "link", "show", "dev", "lan0"])).toMatch(/<[^>]*\bUP\b[^>]*>/);
    await moveApart();
    expect(await pings(50)).toBe("50 received");
    await bridge.stop("SIGTERM");
    expect(bridge.exitCode).toBe(0);
    expect((await left.run(["ip", "link", "show", "lan0"])).code).not.toBe(0);
  });

  test("uses a device that exists, brings it up, and leaves it there", async () => {
    await home.ip("tuntap add lan0 mode tap", "tuntap add wan0 mode tap");
    const bridge = await bridged("tap:lan0", "tap:wan0");
    await moveApart();
    expect(await pings()).toBe("1 received");
    await bridge.stop("SIGINT");
    expect(bridge.exitCode).toBe(0);
    await left.mustRun(["ip", "link", "show", "lan0"]);
  });

  test("drops frames while the device is down, and goes on when it is up again", async () => {
    const bridge = await bridged("tap:lan0", "tap:wan0");
    await moveApart();
    expect(await pings()).toBe("1 received");
    await right.ip("link set wan0 down");
    expect(await pings()).toBe("0 received");
    await right.ip("link set wan0 up");
    expect(await pings()).toBe("1 received");
    await bridge.stop();
    expect(bridge.stdout).not.toContain("notice:");
    expect(bridge.stdout).toMatch(/"refused":[1-9]/);
  });

  test("discards frames longer than Ethernet's", async () => {
    const bridge = await bridged("tap:lan0", "tap:wan0");
    await moveApart();
    await left.ip("link set lan0 mtu 9000");
    expect(await pings(1, 1473)).toBe("0 received");
    expect(await pings(1, 1472)).toBe("1 received");
    await bridge.stop();
    expect(bridge.stdout).toContain('"discarded":1}');
  });

  test("reports in one sentence that its device was removed; the other goes on", async () => {
    const bridge = await bridged("tap:lan0", "tap:wan0");
    await moveApart();
    await left.ip("link del lan0");
    expect(await bridge.line(/^notice:/)).toBe("notice: tap:lan0 is gone: it was removed; start again to use it again");
    expect(bridge.running).toBe(true);
    await right.run(["ping", "-c", "1", "-W", "1", "10.9.0.1"]);
    await bridge.stop();
    expect(bridge.exitCode).toBe(0);
    const [, other] = JSON.parse((await bridge.line(/^counters: /)).slice("counters: ".length)) as {
      received: number;
    }[];
    expect(other?.received).toBeGreaterThan(0);
    expect(bridge.stdout.match(/notice:/g)).toHaveLength(1);
  });

  test("says why a device cannot be used", async () => {
    await home.ip("link add veth0 type veth peer name veth1", "tuntap add tun0 mode tun", "tuntap add mine mode tap");
    const notPlain = "a device of that name exists and is not a plain TAP device; choose another name";
    expect(await refusal("tap:veth0")).toBe(`error: tap:veth0 cannot be opened: ${notPlain}`);
    expect(await refusal("tap:tun0")).toBe(`error: tap:tun0 cannot be opened: ${notPlain}`);
    await bridged("tap:lan0", "tap:wan0");
    expect(await refusal("tap:lan0")).toBe(
      "error: tap:lan0 cannot be opened: another program has it open; end that program or choose another name",
    );
    const unprivileged = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"];
    expect(await refusal("tap:new0", unprivileged)).toBe(
      'error: tap:new0 cannot be opened: this user may not attach to it; run it as root, or let root do "ip tuntap add new0 mode tap user USER"',
    );
  });
});
