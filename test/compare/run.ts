import type { Device } from "./duts/device.js";
import { ControlFailed, type Outcome } from "./outcome.js";
import type { Probe } from "./probe.js";
import { PROBES } from "./probes/index.js";
import { Stage } from "./stage.js";
import { Wire } from "./wire.js";

/** The longest wait that goes one after the other with the rest. */
const SHORT_MS = 3000;

/** What a device has to say to each of these probes, in their order. The long waits all run at once, beside the rest. */
export async function runProbes(device: Device, probes: readonly Probe[]): Promise<Outcome[]> {
  const wire = await Wire.open(device);
  const outcomes = new Map<Probe, Outcome>();
  const ask = async (probe: Probe): Promise<void> => {
    outcomes.set(probe, await outcomeOf(probe, new Stage(wire, PROBES.indexOf(probe))));
  };
  const waiting = probes.filter((probe) => (probe.waitMs ?? 0) > SHORT_MS).map(ask);
  const quick = probes.filter((probe) => (probe.waitMs ?? 0) <= SHORT_MS && probe.isLast !== true);
  for (const probe of quick) await ask(probe);
  await Promise.all(waiting);
  for (const probe of probes.filter((one) => one.isLast === true)) await ask(probe);
  return probes.map((probe) => outcomes.get(probe) as Outcome);
}

/** Probes whose control fails are not judged: silence is not virtue where nothing works. */
async function outcomeOf(probe: Probe, stage: Stage): Promise<Outcome> {
  try {
    return await probe.run(stage);
  } catch (error) {
    if (error instanceof ControlFailed) return { verdict: "not judged", observation: error.message };
    return { verdict: "not judged", observation: (error as Error).message };
  }
}
