import { type Bench, LAN_PORT, LAN1, ROUTER_LAN, ROUTER_WAN, WAN_PORT, WEB } from "../../integration/support/bench.js";
import { isInstalled, Namespace } from "../../integration/support/namespaces.js";
import type { Background } from "../../integration/support/processes.js";
import { withRealFrames } from "./realFrames.js";

/**
 * pasta (Debian package passt) as the router of the bench, which brings a network behind the sockets of another
 * namespace: its TAP device is plugged into the LAN bridge, its sockets are those of a namespace with the WAN address.
 * Connections from the LAN are all that it knows to do here.
 */
export class PastaRouter {
  readonly #bench: Bench;
  #router: Namespace | undefined;
  #pasta: Background | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  static missing(): string | undefined {
    return isInstalled("pasta") ? undefined : "the command pasta is missing (Debian package passt)";
  }

  async start(): Promise<void> {
    const { wires } = this.#bench;
    const router = await Namespace.create("pasta");
    this.#router = router;
    await wires.ip(`link add ${WAN_PORT} type veth peer name wan netns ${router.name}`);
    await this.#bench.plugIn(WAN_PORT);
    await router.ip(`addr add ${ROUTER_WAN}/24 dev wan`, "link set wan up", `route add default via ${WEB}`);
    await withRealFrames(router, "wan");
    const lan = ["-a", LAN1, "-n", "255.255.255.0", "-g", ROUTER_LAN, "-m", "1500", "--no-dhcp", "--no-map-gw"];
    const noForwards = ["-t", "none", "-u", "none", "-T", "none", "-U", "none"];
    // The namespaces are root's own, so that pasta has to stay root to enter the one of the LAN.
    const rights = ["--runas", "0", "--netns-only", "--netns", `/run/netns/${wires.name}`];
    this.#pasta = router.start(["pasta", "-f", "-e", "-4", ...rights, "-I", LAN_PORT, ...lan, ...noForwards]);
    await this.#untilPluggedIn();
  }

  async stop(): Promise<void> {
    await this.#pasta?.stop();
    await this.#router?.destroy();
  }

  /** pasta says nothing when its device is there. */
  async #untilPluggedIn(): Promise<void> {
    for (let tries = 0; tries < 50 && this.#pasta?.running; tries++) {
      const { code } = await this.#bench.wires.run(["ip", "link", "show", LAN_PORT]);
      if (code === 0) {
        await this.#bench.plugIn(LAN_PORT);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`pasta has made no device:\n${this.#pasta?.stderr}`);
  }
}
