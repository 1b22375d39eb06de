import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readPcap } from "../../../host-sim/ports/pcapFile.js";
import { Background, run } from "../../integration/support/processes.js";
import { expectFrame } from "../../support/expectFrame.js";
import { arpFrame, udpFrame } from "../../support/frames.js";
import { taggedFrame, tagOf, untaggedFrame } from "../../support/vlanFrames.js";

const COMMAND = [process.execPath, ".config/run.mjs", "host-sim/cli/main.ts"];
const SET_UP = ["--exec", "set lan address 192.168.1.1/24", "--exec", "set wan address 203.0.113.2/24"];
const START_MS = 20_000;

let directory: string;
let links: string[];
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "porter-cli-"));
  links = ["--lan", `stream:unix:${join(directory, "lan")}`, "--wan", `stream:unix:${join(directory, "wan")}`];
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  rmSync(directory, { recursive: true, force: true });
});

async function start(...options: string[]): Promise<Background> {
  const simulator = new Background([...COMMAND, ...links, ...options]);
  cleanups.push(() => simulator.stop());
  await simulator.line(/\bready\b/, START_MS);
  return simulator;
}

/** A program at the other end of a link. */
class Peer {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake = (): void => {};

  constructor(name: string) {
    this.#socket = connect(join(directory, name));
    this.#socket.on("data", (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    cleanups.push(() => this.#socket.destroy());
  }

  close(): void {
    this.#socket.destroy();
  }

  send(frame: Uint8Array): void {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    this.#socket.write(Buffer.concat([length, frame]));
  }

  /** The next frame of an EtherType. */
  async receive(etherType: number): Promise<Uint8Array> {
    for (;;) {
      const frame = this.#take();
      if (frame === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (frame.readUInt16BE(12) === etherType) {
        return frame;
      }
    }
  }

  #take(): Buffer | undefined {
    if (this.#received.length < 4) return undefined;
    const end = 4 + this.#received.readUInt32BE(0);
    if (this.#received.length < end) return undefined;
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    return frame;
  }
}

/** What the console at the Unix socket says to `lines`, prompts included. */
async function ask(path: string, ...lines: string[]): Promise<string> {
  const socket = connect(path).setEncoding("utf8");
  cleanups.push(() => socket.destroy());
  let text = "";
  await new Promise<void>((resolve) => {
    socket.on("data", (part: string) => {
      text += part;
      if (text.split("> ").length > lines.length + 1) resolve();
    });
    for (const line of lines) socket.write(`${line}\n`);
  });
  socket.destroy();
  return text;
}

describe("the simulator between two streams", { timeout: 60_000 }, () => {
  test("answers ARP and forwards from the LAN to the WAN", async () => {
    await start(...SET_UP, "--console", "none", "--seed", "1");
    const lan = new Peer("lan");
    const wan = new Peer("wan");
    lan.send(arpFrame({ targetAddress: "192.168.1.1" }));
    const reply = await lan.receive(0x0806);
    const destinationMac = Buffer.from(reply).readUIntBE(6, 6);
    wan.send(arpFrame({ senderAddress: "203.0.113.9", senderMac: "02:00:00:00:00:99", targetAddress: "203.0.113.2" }));
    await wan.receive(0x0806);
    lan.send(udpFrame({ destinationMac, destination: "203.0.113.9", payload: "hello" }));
    expectFrame(await wan.receive(0x0800))
      .ipv4({ source: "203.0.113.2", ttl: 63 })
      .udp()
      .payload("hello");
  });

  test("ends cleanly on SIGTERM and SIGINT, and takes its sockets away", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const simulator = await start(...SET_UP, "--console", `unix:${join(directory, "console")}`);
      await simulator.stop(signal);
      expect(simulator.exitCode).toBe(0);
      expect(() => statSync(join(directory, "console"))).toThrow();
    }
  });

  test("records both links", async () => {
    const simulator = await start(...SET_UP, "--console", "none", "--pcap", join(directory, "pcap"));
    const lan = new Peer("lan");
    const question = arpFrame({ targetAddress: "192.168.1.1" });
    lan.send(question);
    const answer = await lan.receive(0x0806);
    await simulator.stop();
    const [onLan, onWan] = ["lan", "wan"].map((side) =>
      readPcap(readFileSync(join(directory, "pcap", `${side}.pcap`))).map(({ bytes }) => hex(bytes)),
    );
    expect(onLan).toEqual([hex(question), hex(answer)]);
    expect(onWan).toEqual([]);
  });

  test.skipIf(!existsSync("/dev/full"))("goes on without recording when the disk is full", async () => {
    const pcap = join(directory, "pcap");
    mkdirSync(pcap);
    symlinkSync("/dev/full", join(pcap, "lan.pcap"));
    const simulator = await start(...SET_UP, "--console", "none", "--pcap", pcap);
    await vi.waitFor(() => expect(simulator.stderr).toContain("ENOSPC"), START_MS);
    const lan = new Peer("lan");
    lan.send(arpFrame({ targetAddress: "192.168.1.1" }));
    await lan.receive(0x0806);
    await simulator.stop();
    expect(simulator.exitCode).toBe(0);
    expect(simulator.stderr.match(/the capture \S+ ends here/g)).toHaveLength(1);
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("the console", { timeout: 60_000 }, () => {
  test("serves several clients of a Unix socket", async () => {
    const path = join(directory, "console");
    await start(...SET_UP, "--console", `unix:${path}`);
    expect(await ask(path, "set hostname tower")).toBe("> hostname is tower\n> ");
    const answers = await Promise.all([ask(path, "show version"), ask(path, "show config")]);
    expect(answers[0]).toContain("tower");
    expect(answers[1]).toContain("set wan address 203.0.113.2/24");
  });

  test.each(["quit", "exit"])("closes a Unix socket's connection at %j, and goes on", async (word) => {
    const path = join(directory, "console");
    const simulator = await start(...SET_UP, "--console", `unix:${path}`);
    const socket = connect(path).setEncoding("utf8");
    cleanups.push(() => socket.destroy());
    socket.write(`set hostname tower\n${word}\nset hostname cellar\n`);
    let text = "";
    for await (const part of socket) text += part;
    expect(text).toBe("> hostname is tower\n> ");
    expect(simulator.running).toBe(true);
    expect(await ask(path, "show version")).toContain(" on tower,");
  });

  test("prints no prompts to a pipe, and takes no more lines after quit", async () => {
    const simulator = await start(...SET_UP);
    for (const line of ["set hostname tower", "save", "quit", "set hostname cellar"]) simulator.writeLine(line);
    await simulator.line(/^saved 3 lines in memory only, lost at the end; start with --flash FILE to keep it$/);
    expect(simulator.stdout).not.toContain("> ");
    expect(simulator.stdout).not.toContain("cellar");
    expect(simulator.running).toBe(true);
  });

  test("takes lines from a pipe, and the gateway outlives its end; a link's peer that goes is reported", async () => {
    const simulator = await start(...SET_UP);
    simulator.writeLine("show interfaces");
    expect(await simulator.line(/^wan /)).toContain("203.0.113.2/24");
    simulator.endInput();
    const lan = new Peer("lan");
    lan.send(arpFrame({ targetAddress: "192.168.1.1" }));
    await lan.receive(0x0806);
    lan.close();
    await vi.waitFor(() =>
      expect(simulator.stderr).toMatch(/^stream:unix:.*: the peer has gone; waiting for another$/m),
    );
    expect(simulator.running).toBe(true);
  });

  test("has the tables of a board with PSRAM when it is told so", async () => {
    const path = join(directory, "console");
    await start(...SET_UP, "--capacity", "large", "--console", `unix:${path}`);
    expect(await ask(path, "show sockets")).toContain("of 32 sockets");
  });

  test("saves to the file that the next start restores", async () => {
    const path = join(directory, "console");
    const flash = ["--flash", join(directory, "flash"), "--console", `unix:${path}`];
    const first = await start(...flash, ...SET_UP, "--exec", "forward add udp 5000 192.168.1.5", "--exec", "save");
    await first.stop();
    // The same commands again: what is restored and what they add are one.
    await start(...flash, ...SET_UP, "--exec", "forward add udp 5000 192.168.1.5");
    expect(await ask(path, "show config")).toContain("forward add udp 5000 192.168.1.5");
  });
});

test("does not restart where the connections cannot be kept, and says so", { timeout: 60_000 }, async () => {
  const path = join(directory, "console");
  const simulator = await start("--flash", join(directory, "missing", "flash"), "--console", `unix:${path}`);
  await ask(path, "restart");
  const sentence = /^not restarted: .*missing\/flash\.sessions cannot be written: .*"restart fresh"/m;
  await vi.waitFor(() => expect(simulator.stderr).toMatch(sentence), START_MS);
});

describe("one link for both sides", { timeout: 60_000 }, () => {
  let trunk: string;

  beforeEach(() => {
    trunk = `stream:unix:${join(directory, "trunk")}`;
  });

  test("carries each side in its VLAN, and records both together", async () => {
    links = ["--lan", `${trunk},vlan=10`, "--wan", `${trunk},vlan=20`];
    const simulator = await start(...SET_UP, "--console", "none", "--pcap", join(directory, "pcap"));
    expect(simulator.stdout).toContain(`ready: lan ${trunk},vlan=10, wan ${trunk},vlan=20\n`);
    const peer = new Peer("trunk");
    peer.send(taggedFrame(arpFrame({ senderAddress: "192.168.1.10", targetAddress: "192.168.1.1" }), 0x600a));
    const answer = await peer.receive(0x8100);
    expect(tagOf(answer)).toBe("8100000a");
    expectFrame(untaggedFrame(answer)).arp({ operation: "reply", senderAddress: "192.168.1.1" });
    await simulator.stop();
    const recorded = readPcap(readFileSync(join(directory, "pcap", "trunk.pcap"))).map(({ bytes }) => tagOf(bytes));
    expect(recorded).toContain("8100000a");
  });

  test("is refused when the VLANs do not keep the sides apart", async () => {
    for (const vlan of ["", ",vlan=7"]) {
      const attach = `${trunk}${vlan}`;
      const { code, stderr } = await run([...COMMAND, "--lan", attach, "--wan", attach], START_MS);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^lan and wan would both be at port trunk .*; on one port they need different VLANs/);
    }
  });

  test("is what the console changes and saves, and the next start restores", async () => {
    const path = join(directory, "console");
    const flash = ["--flash", join(directory, "flash"), "--console", `unix:${path}`];
    const exchange = "set interface lan port wan vlan 7 wan port lan vlan none";
    const first = await start(...flash, ...SET_UP, "--exec", exchange, "--exec", "save");
    await first.stop();
    const second = await start(...flash);
    const [lan = "", wan = ""] = [links[3], links[1]];
    expect(second.stdout).toContain(`ready: lan ${lan},vlan=7, wan ${wan}\n`);
    expect(await ask(path, "show interfaces")).toMatch(/^lan {3}wan {3}7 {5}down$/m);
  });
});

describe("a start that cannot be", { timeout: 60_000 }, () => {
  test.each([
    [["--exec", "set wan adress 1.2.3.4/24"], 'error: "adress" is unknown'],
    [
      ["--exec", "restart discard"],
      "restart discard: error: a start cannot be told to start anew; leave this command out",
    ],
    [["--console", "unix:"], "unix:PATH with a path"],
    [["--pcap", "package.json"], "the capture package.json/lan.pcap cannot be made: "],
    [["--wan", "eth0"], '"eth0" is not an attachment'],
    [["--wan", "tap:wan0,vlan=4095"], '"4095" is not a VLAN; a VLAN is a number from 1 to 4094, or none'],
    [["--wan", "tap:wan0,vlan="], '"" is not a VLAN'],
    [["--exec", "set interface wan port lan"], "lan and wan would both be at port lan without a VLAN"],
    [["--capacity", "huge"], "Allowed choices are default, large."],
    [["--flow-cache", "rust"], "Allowed choices are typescript, native."],
    [["--console", "unix:/nonexistent/console"], "the console's socket /nonexistent/console cannot be made"],
  ])("ends with 1 and a sentence: %j", async (options, sentence) => {
    const { code, stdout, stderr } = await run([...COMMAND, ...links, ...options], START_MS);
    expect(code).toBe(1);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(stdout).not.toContain("ready");
  });
});
