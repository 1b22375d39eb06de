/** What one packet of a case (packetCase.ts) costs on XS. */
import type { Variant } from "./build.js";
import { measure, type Region, type RegionCost } from "./xsHost.js";

/** Per packet. */
export interface PacketPrice {
  /** Undefined without valgrind. */
  readonly instructions: number | undefined;
  readonly slots: number;
  readonly chunkBytes: number;
}

/** Counts are exact, so a few packets tell as much as many; more would only take longer. An even number. */
const MAX_PACKETS = 100;
const REGIONS_PER_CASE = 4;

/**
 * Prices cases of the entry `file`, one after the other in one engine.
 *
 * Each figure is the difference of a run of all packets and a run of half of them, so everything a run costs once cancels
 * out; the loop that feeds the packets is subtracted.
 *
 * @param cases As the entry's `listCases` returns them: `packets` is how many the case has room for.
 */
export async function pricePackets(
  file: string,
  cases: readonly { readonly name: string; readonly packets: number }[],
  variant: Variant,
): Promise<Record<string, PacketPrice>> {
  const prices: Record<string, PacketPrice> = {};
  const { costs } = await measure(file, cases.flatMap(regionsOf), variant);
  cases.forEach((one, index) => {
    const [loopHalf, loopAll, runHalf, runAll] = costs.slice(index * REGIONS_PER_CASE) as [
      RegionCost,
      RegionCost,
      RegionCost,
      RegionCost,
    ];
    const all = packetsOf(one);
    if (runHalf.value !== all / 2 || runAll.value !== all) {
      throw new Error(`${one.name}: ${runAll.value} of ${all} packets went the case's way.`);
    }
    const perPacket = (figure: (cost: RegionCost) => number): number =>
      (figure(runAll) - figure(runHalf) - (figure(loopAll) - figure(loopHalf))) / (all / 2);
    const isCounted = runAll.instructions !== undefined;
    prices[one.name] = {
      instructions: isCounted ? perPacket((cost) => cost.instructions as number) : undefined,
      slots: perPacket((cost) => cost.slots),
      chunkBytes: perPacket((cost) => cost.chunkBytes),
    };
  });
  return prices;
}

function packetsOf({ packets }: { readonly packets: number }): number {
  return Math.min(packets, MAX_PACKETS);
}

function regionsOf(one: { readonly name: string; readonly packets: number }): Region[] {
  const all = packetsOf(one);
  const regionOf = (count: number, receiving: boolean): Region => ({
    before: ["prepare", one.name],
    run: ["run", count, receiving],
  });
  return [regionOf(all / 2, false), regionOf(all, false), regionOf(all / 2, true), regionOf(all, true)];
}
