import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants, readdirSync } from "node:fs";
import { Background, type Finished, mustRun, run } from "./processes.js";

const PREFIX = "porter-";

/** A Linux network namespace that lives as long as this object; whatever the test does, none outlives the process. */
export class Namespace {
  static readonly #alive = new Set<Namespace>();
  static #guarded = false;
  readonly name: string;
  readonly #background = new Set<Background>();

  private constructor(name: string) {
    this.name = name;
  }

  /** `role` makes the name readable in `ip netns list`. */
  static async create(role: string): Promise<Namespace> {
    if (!Namespace.#guarded) {
      Namespace.#guarded = true;
      removeOrphans();
      process.once("exit", () => {
        for (const namespace of Namespace.#alive) {
          removeNow(namespace.name);
        }
      });
    }
    // The process id tells an orphan from a namespace in use; the rest keeps test files in one process apart.
    const namespace = new Namespace(`${PREFIX}${process.pid}-${randomBytes(3).toString("hex")}-${role}`);
    Namespace.#alive.add(namespace);
    await mustRun(["ip", "netns", "add", namespace.name]);
    await namespace.ip("link set lo up");
    // IPv6 neighbour discovery and router solicitations would only blur the captures.
    await namespace.sysctl("net/ipv6/conf/all/disable_ipv6", 1, true);
    await namespace.sysctl("net/ipv6/conf/default/disable_ipv6", 1, true);
    return namespace;
  }

  async run(argv: readonly string[], timeoutMs?: number, input?: string): Promise<Finished> {
    return await run(this.#inside(argv), timeoutMs, input);
  }

  async mustRun(argv: readonly string[], timeoutMs?: number, input?: string): Promise<string> {
    return await mustRun(this.#inside(argv), timeoutMs, input);
  }

  /** Starts a command that `destroy` stops at the latest. */
  start(argv: readonly string[], cwd?: string): Background {
    const background = new Background(this.#inside(argv), cwd);
    this.#background.add(background);
    return background;
  }

  /** Carries out `ip` command lines in this namespace, all in one process. */
  async ip(...lines: readonly string[]): Promise<void> {
    await mustRun(["ip", "-n", this.name, "-batch", "-"], 10_000, `${lines.join("\n")}\n`);
  }

  /** Sets a kernel parameter of this namespace, named as a path below /proc/sys. */
  async sysctl(path: string, value: number, optional = false): Promise<void> {
    const script = `[ -w /proc/sys/${path} ] || exit 9; echo ${value} > /proc/sys/${path}`;
    const { code, stderr } = await this.run(["sh", "-c", script]);
    if (code !== 0 && !(optional && code === 9)) {
      throw new Error(`Cannot set ${path} to ${value}: ${stderr || "no such parameter"}`);
    }
  }

  async destroy(): Promise<void> {
    if (Namespace.#alive.has(this)) {
      await Promise.all([...this.#background].map((background) => background.stop()));
      await run(["ip", "netns", "del", this.name]);
      Namespace.#alive.delete(this);
    }
  }

  #inside(argv: readonly string[]): string[] {
    return ["ip", "netns", "exec", this.name, ...argv];
  }
}

/** Why no namespaces and TAP devices can be made here, in one sentence; undefined when they can. */
export function missingRights(): string | undefined {
  if (process.platform !== "linux") {
    return "network namespaces exist on Linux only";
  }
  if (process.getuid?.() !== 0) {
    return "network namespaces need root";
  }
  if (!isInstalled("ip")) {
    return "the command ip is missing (Debian package iproute2)";
  }
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/net/tun cannot be opened";
  }
  // Creating a TAP device needs the right over the namespace as well as the device file.
  const problem = problemInside(["tuntap add dev probe mode tap"]);
  return problem === undefined ? undefined : `a namespace with a TAP device cannot be made (${problem})`;
}

/** As `missingRights`, for VLAN devices. */
export function missingVlans(): string | undefined {
  const rights = missingRights();
  if (rights !== undefined) {
    return rights;
  }
  const problem = problemInside(["tuntap add dev probe mode tap", "link add link probe name vlan type vlan id 10"]);
  return problem === undefined
    ? undefined
    : `this kernel makes no VLAN devices, which need its module 8021q (${problem})`;
}

/** What `ip` says when one of these lines fails in a namespace of its own; undefined when all work. */
function problemInside(lines: readonly string[]): string | undefined {
  const probe = `${PREFIX}${process.pid}-${randomBytes(3).toString("hex")}-probe`;
  const script = [`ip netns add ${probe}`, ...lines.map((line) => `ip -n ${probe} ${line}`)].join(" && ");
  const made = spawnSync("sh", ["-c", script], { encoding: "utf8", timeout: 5000 });
  removeNow(probe);
  return made.status === 0 ? undefined : made.stderr.trim();
}

/** Whether a command can be run; the tests say loudly what they leave out without it. */
export function isInstalled(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${command}`], { timeout: 5000 }).status === 0;
}

/** Removes the namespaces of test processes that were killed before they could tidy up. */
function removeOrphans(): void {
  let names: string[] = [];
  try {
    names = readdirSync("/run/netns");
  } catch {
    return;
  }
  for (const name of names) {
    const owner = /^porter-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isRunning(Number(owner))) {
      removeNow(name);
    }
  }
}

function removeNow(name: string): void {
  // The processes left inside are the tests' own: nobody else knows the name.
  const script = 'kill -9 $(ip netns pids "$0") 2>/dev/null; ip netns del "$0"';
  try {
    execFileSync("sh", ["-c", script, name], { stdio: "ignore", timeout: 5000 });
  } catch {
    // Gone already, or never made.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
