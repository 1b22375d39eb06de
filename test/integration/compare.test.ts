import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeAll, type Device } from "../compare/duts/device.js";
import { missingForLinux, startLinux } from "../compare/duts/linux.js";
import { startPorter } from "../compare/duts/porter.js";
import type { Outcome } from "../compare/outcome.js";
import type { Probe } from "../compare/probe.js";
import { PROBES } from "../compare/probes/index.js";
import { REPORT_PATH, rowStart } from "../compare/report.js";
import { runProbes } from "../compare/run.js";
import { describeIf } from "../support/skip.js";
import { missingRights } from "./support/namespaces.js";

/* The probes of `npm run compare` that wait for nothing, asked of both devices at once. */

const MAX_WAIT_MS = 3000;
/** What Linux's masquerade does not do: a harness that does not see it is blind. */
const LINUX_FAILS = [
  "RFC4787 REQ-1: the same after another host has used that port",
  "RFC4787 REQ-8: a peer may answer from another port",
  "RFC4787 REQ-9: hairpin: a host of the LAN reaches another at its external port",
  "RFC4787 REQ-9a: hairpin: from the sender's external address and port",
  "RFC5382 REQ-8: hairpin: to another host's external port, from one's own",
  "RFC6864 §5.3.1: two hosts with one IP ID, DF=0, to one destination: two IDs outside",
  "T16d: a host outside cannot send straight to an address inside",
  "T20: UDP with half a header, or a length that is wrong, is not forwarded",
];
/** And what it does: a prober that hears nothing would call everything a failure. */
const LINUX_PASSES = [
  "RFC4787 REQ-1: one external port for all destinations",
  "RFC4787 REQ-14: three fragments out of order, from outside",
  "RFC5382 REQ-2: a connection from outside to a forwarded port",
  "RFC5508 REQ-4a: an error's quote is restored to what the host had sent",
];

const missing = missingRights() ?? missingForLinux();
const probes = PROBES.filter(({ waitMs = 0, isLast }) => waitMs <= MAX_WAIT_MS && !isLast);
const nameOf = ({ id, title }: Probe): string => `${id}: ${title}`;

describeIf(missing === undefined, missing ?? "", "Porter and Linux, side by side", () => {
  const devices: Device[] = [];
  let porter: readonly Outcome[];
  let linux: readonly Outcome[];

  beforeAll(async () => {
    devices.push(await startPorter());
    devices.push(await startLinux());
    [porter, linux] = (await Promise.all(devices.map((device) => runProbes(device, probes)))) as [Outcome[], Outcome[]];
  });

  afterAll(async () => {
    await closeAll(devices);
  });

  test("Porter passes all probes", () => {
    const unmet = probes.flatMap((probe, at) =>
      porter[at]?.verdict === "pass" ? [] : [`${nameOf(probe)}: ${porter[at]?.observation}`],
    );
    expect(unmet).toEqual([]);
  });

  test("Linux fails those that it is known to fail, and passes those that it is known to pass", () => {
    const withVerdict = (verdict: string): string[] =>
      probes.filter((_, at) => linux[at]?.verdict === verdict).map(nameOf);
    expect(withVerdict("fail")).toEqual(expect.arrayContaining(LINUX_FAILS));
    expect(withVerdict("pass")).toEqual(expect.arrayContaining(LINUX_PASSES));
    expect(withVerdict("not judged")).toEqual([]);
  });

  test("docs/compare.md says of Porter what was seen now", () => {
    const written = readFileSync(REPORT_PATH, "utf8");
    const stale = probes.filter((probe, at) => !written.includes(`\n${rowStart(probe, porter[at])} `));
    expect(stale.map(nameOf), "npm run compare writes it anew").toEqual([]);
  });
});
