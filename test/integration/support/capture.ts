import type { Namespace } from "./namespaces.js";
import type { Background } from "./processes.js";
import { mustRun } from "./processes.js";

/** tcpdump on the switch's side of a port of the device under test: the frames that the device emitted, and no others. */
export class Capture {
  readonly path: string;
  readonly #tcpdump: Background;

  private constructor(path: string, tcpdump: Background) {
    this.path = path;
    this.#tcpdump = tcpdump;
  }

  /** Starts to capture what comes out of `port`; it captures when this returns. */
  static async start(wires: Namespace, port: string, path: string): Promise<Capture> {
    // -B is in KiB, room for the burst of a download; -s holds a full frame. Without the immediate mode tcpdump loses
    // up to a second of what came before its end.
    const options = ["-Q", "in", "-w", path, "-U", "-B", "32768", "-s", "2048", "-Z", "root", "--immediate-mode"];
    const tcpdump = wires.start(["sh", "-c", 'exec tcpdump "$@" 2>&1', "sh", "-i", port, ...options]);
    await tcpdump.line(/listening on/);
    return new Capture(path, tcpdump);
  }

  /** Ends the capture. Throws when frames were lost on the way to the file. */
  async stop(): Promise<void> {
    await this.#tcpdump.stop("SIGINT");
    const lost = /(\d+) packets? dropped by kernel/.exec(this.#tcpdump.stdout)?.[1];
    if (lost !== "0") {
      throw new Error(`The capture is not complete: ${this.#tcpdump.stdout}`);
    }
  }
}

/** The frames from the Ethernet address `source` that tshark finds wrong in a pcap file, one line each. */
export async function tsharkComplaints(path: string, source: string): Promise<string[]> {
  const checks = ["ip", "tcp", "udp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  // It sums up a TCP segment that an ICMP error quotes in part and calls the checksum bad: our own oracle looks there.
  const wrong = [
    'ip.checksum.status == "Bad"',
    'icmp.checksum.status == "Bad"',
    '(tcp.checksum.status == "Bad" && !icmp)',
    '(udp.checksum.status == "Bad" && !icmp)',
  ];
  // Payload is what the hosts made up: tshark's guesses at protocols in it are nobody's fault.
  const malformed = "(_ws.malformed && !(tcp.len > 0) && !(udp.length > 8))";
  const filter = `eth.src == ${source} && (${[...wrong, malformed].join(" || ")})`;
  const output = await mustRun(["tshark", "-n", "-r", path, ...checks, "-Y", filter], 60_000);
  return output.split("\n").filter((line) => line !== "");
}
