import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { canBuild, SANITIZER_FLAGS } from "../flow/native/build.js";
import { rounds } from "../flow/native/rounds.js";
import { Trace } from "../flow/native/trace.js";
import { describeIf } from "../support/skip.js";
import { buildProgram, complaintsAfter, describeCases, NO_FLOW_CACHE } from "./native/build.js";
import { canRunThreadSanitizer, THREAD_SANITIZER_FLAGS } from "./native/threadSanitizer.js";

const FRAMES = 50_000;
const SEED = 4;
const TIMEOUT_MS = 120_000;

const REASON = "needs a C compiler `cc` with AddressSanitizer and UndefinedBehaviorSanitizer";
const THREADS_REASON = "needs a C compiler `cc` with ThreadSanitizer";

const CORE = ["framePort.c", "frameRing.c"];

describeCases(canBuild(...SANITIZER_FLAGS), REASON, "a frame port", () =>
  buildProgram("port", CORE, { flags: SANITIZER_FLAGS, flowCache: NO_FLOW_CACHE }),
);

describeCases(canRunThreadSanitizer(), THREADS_REASON, "a frame port among its tasks", () =>
  buildProgram("portThreads", CORE, { flags: THREAD_SANITIZER_FLAGS, flowCache: NO_FLOW_CACHE }),
);

describeIf(canBuild(...SANITIZER_FLAGS), REASON, "the tests of a frame port", () => {
  it.each([
    ["frames for others", "memcmp(frame, medium->station, STATION_BYTES) != 0", "0"],
    ["group addresses", "(frame[0] & 1) == 0 && ", ""],
    ["the FCS", "length -= medium->fcsBytes;", ""],
    ["a tag cut short", "length < ETHERNET_BYTES + PORTER_VLAN_TAG_BYTES", "0"],
    ["a VLAN above 255", "& VLAN_HIGH_BITS) << 8", "& 0) << 8"],
    ["a VLAN's priority bits", "& VLAN_HIGH_BITS)", "& 0xff)"],
    ["the longest frame", "length - tagBytes > PORTER_FRAME_BYTES", "length > PORTER_FRAME_BYTES"],
    ["a frame that is too long", "length - tagBytes > PORTER_FRAME_BYTES", "0"],
    ["a second request", "if (__atomic_exchange_n(&port->isPosted, 1, __ATOMIC_ACQ_REL) != 0) return;", ""],
    ["a request that failed", "__atomic_store_n(&port->isPosted, 0, __ATOMIC_RELEASE);", ""],
    ["a delivery's share", "port->readable -= 1;", ""],
    ["a short frame's headers", "untaggedBytes < HEADERS_BYTES ? untaggedBytes : HEADERS_BYTES", "HEADERS_BYTES"],
    ["a header's last byte", "#define HEADERS_BYTES 54", "#define HEADERS_BYTES 50"],
    ["a carried frame's rest", "untaggedBytes - headerBytes);", "0);"],
    ["the link", "|| !porter_port_is_up(port)) return 0;", ") return 0;"],
    ["a place that is taken", "|| portOf(medium, vlan) != NULL) return 0;", ") return 0;"],
    ["a closed port", "medium->ports + port->interfaceIndex, NULL, __ATOMIC_SEQ_CST", "&medium->isUp, 1, 0"],
  ])("would notice a slip about %s", { timeout: TIMEOUT_MS }, (_, text, replacement) => {
    expect(
      complaintsAfter("port", "framePort.c", [text, replacement], ["frameRing.c"], { flags: SANITIZER_FLAGS }),
    ).not.toBe("");
  });
});

describeIf(canRunThreadSanitizer(), THREADS_REASON, "the tests of a frame port among its tasks", () => {
  it.each([["a task that is still inside", "if ((before & 1) == 0) return;", "return;"]])(
    "would notice a slip about %s",
    // Whether the tasks meet is the scheduler's choice.
    { timeout: TIMEOUT_MS, retry: 4 },
    (_, text, replacement) => {
      const slip = [text, replacement] as const;
      expect(
        complaintsAfter("portThreads", "framePort.c", slip, ["frameRing.c"], { flags: THREAD_SANITIZER_FLAGS }),
      ).not.toBe("");
    },
  );

  it("would notice a slot that is read too early", { timeout: TIMEOUT_MS, retry: 4 }, () => {
    const slip = ["&ring->filled, __ATOMIC_ACQUIRE", "&ring->filled, __ATOMIC_RELAXED"] as const;
    expect(complaintsAfter("ringThreads", "frameRing.c", slip, [], { flags: THREAD_SANITIZER_FLAGS })).toContain(
      "data race",
    );
  });
});

describeIf(canBuild(...SANITIZER_FLAGS), REASON, "a frame port with the flow cache", () => {
  it(`carries and hands on what the flow cache in TypeScript would, on ${FRAMES} frames, seed ${SEED}`, {
    timeout: TIMEOUT_MS,
  }, () => {
    const directory = mkdtempSync(join(tmpdir(), "porter-port-"));
    try {
      const path = join(directory, "trace");
      const trace = new Trace(path);
      for (const { table, batch, forward } of rounds(SEED, FRAMES)) trace.forwardAll(table, batch, forward);
      trace.close();
      const program = buildProgram("portReplay", CORE, { flags: SANITIZER_FLAGS });
      const { stdout, stderr } = spawnSync(program, [path], { encoding: "utf8", timeout: TIMEOUT_MS });
      expect(stderr).toBe("");
      const [carried, waited, filtered] = stdout.split(" ").map(Number) as [number, number, number];
      expect(carried + waited + filtered).toBeGreaterThanOrEqual(FRAMES);
      expect(carried / FRAMES).toBeGreaterThan(0.3);
      expect(waited / FRAMES).toBeGreaterThan(0.2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
