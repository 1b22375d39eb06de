import type { Gateway } from "../../src/gateway.js";
import type { HostUse } from "../../src/nat/nat.js";

/** Throws where two of the gateway's tables contradict each other. */
export function checkTables(gateway: Gateway): void {
  const { nat, ports, sockets } = gateway;
  const mappings = nat.mappings();
  const sessions = nat.sessions();
  const claims = ports.claims();
  same("mappings counted and listed", nat.mappingCount, mappings.length);
  // Expired sessions keep their place for a while; they are not listed.
  if (sessions.length > nat.sessionCount) throw new Error("more sessions listed than counted");
  const heldByMappings = mappings.reduce((sum, one) => sum + one.sessions, 0);
  same("sessions of all mappings", heldByMappings, nat.sessionCount);

  const uses = nat.hostUse(257);
  const sum = (of: (use: HostUse) => number): number => uses.reduce((total, use) => total + of(use), 0);
  same(
    "sessions on all accounts",
    sum((use) => use.sessions),
    nat.sessionCount,
  );
  same(
    "mappings on all accounts",
    sum((use) => use.mappings),
    nat.mappingCount,
  );
  for (const use of uses) {
    same("sessions of an account, by kind", use.established + use.halfOpen + use.udp + use.icmp, use.sessions);
  }
  same(
    "half-open connections",
    sum((use) => use.halfOpen),
    nat.use.halfOpen.now,
  );

  const { calls, transitory, established, unanswered, answered, icmp } = nat.use.classes;
  for (const one of [calls, transitory, established, unanswered, answered, icmp]) {
    if (one.now < 0 || one.most < one.now) throw new Error("a class counted wrong");
  }
  same("half-open connections, by class", calls.now + transitory.now, nat.use.halfOpen.now);
  same(
    "established connections",
    established.now,
    sum((use) => use.established),
  );
  same(
    "datagrams",
    unanswered.now + answered.now,
    sum((use) => use.udp),
  );
  same(
    "pings",
    icmp.now,
    sum((use) => use.icmp),
  );

  const inside = new Set<string>();
  const dynamic = new Set<string>();
  for (const one of mappings) {
    if (one.sessions < 1) throw new Error("a mapping without sessions");
    const endpoint = `${one.protocol} ${one.insideAddress} ${one.insidePort} ${one.isStatic ? one.externalPort : ""}`;
    if (inside.has(endpoint)) throw new Error(`two mappings of ${endpoint}`);
    inside.add(endpoint);
    if (!one.isStatic) dynamic.add(`${one.protocol} ${one.externalPort}`);
    else if (ports.ownerKind(one.protocol, one.externalPort) !== "forward") {
      throw new Error("a static mapping without its forward");
    }
  }

  const outbound = new Set<string>();
  const inbound = new Set<string>();
  const external = new Set(
    mappings.map((one) => `${one.protocol} ${one.externalPort} ${one.insideAddress} ${one.insidePort}`),
  );
  for (const one of sessions) {
    outbound.add([one.protocol, one.insideAddress, one.insidePort, one.remoteAddress, one.remotePort].join());
    inbound.add([one.protocol, one.remoteAddress, one.remotePort, one.externalPort].join());
    if (!external.has(`${one.protocol} ${one.externalPort} ${one.insideAddress} ${one.insidePort}`)) {
      throw new Error("a session without its mapping");
    }
    if (one.expiresInS < 0) throw new Error("an expired session is listed");
  }
  checkChains(gateway);
  same("sessions told apart from inside", outbound.size, sessions.length);
  same("sessions told apart from outside", inbound.size, sessions.length);

  const claimed = claims.filter((one) => one.kind === "mapping");
  same("ports claimed by mappings", claimed.length, dynamic.size);
  for (const one of claimed) {
    if (!dynamic.has(`${one.protocol} ${one.range.first}`)) throw new Error("a port claimed by no mapping");
  }
  const single = claims.filter((one) => one.kind !== "forward");
  same("ports counted and listed", ports.count, single.length);
  same(
    "claims, each of another port",
    new Set(single.map((one) => `${one.protocol} ${one.range.first}`)).size,
    single.length,
  );
  const own = single.length - claimed.length;
  if (own > sockets.count + sockets.listenerCount + 8) throw new Error("ports claimed by no socket");
}

/** Each record of the flow table is found from both sides, and no other one in its place. */
function checkChains({ nat }: Gateway): void {
  const { flows } = nat;
  let used = 0;
  for (let index = 0; index < flows.capacity; index++) {
    if (!flows.isUsed(index)) continue;
    used++;
    const [protocol, remote, remotePort] = [flows.protocol(index), flows.remoteAddress(index), flows.remotePort(index)];
    const [inside, insidePort] = [flows.insideAddress(index), flows.insidePort(index)];
    same("record found from inside", flows.findOutbound(protocol, inside, insidePort, remote, remotePort), index);
    same(
      "record found from outside",
      flows.findInbound(protocol, remote, remotePort, flows.externalPort(index)),
      index,
    );
  }
  same("records in use", used, flows.count);
}

/** Throws where something of a gateway's tables cannot be had any more once its sessions have ended; leaves them empty. */
export function checkNothingLost(gateway: Gateway): void {
  const { nat, ports } = gateway;
  const { flows } = nat;
  nat.clear();
  checkTables(gateway);
  same("mappings left", nat.mappingCount, 0);
  same("ports of mappings left", ports.claims().filter((one) => one.kind === "mapping").length, 0);
  const taken = new Set<number>();
  for (let port = 1; port <= flows.capacity; port++) {
    if (flows.findOutbound(17, 1, port, 2, 3) >= 0) throw new Error("a record of nobody");
    taken.add(flows.insertSought(port, true));
  }
  same("records to be had", taken.size, flows.capacity);
  if (taken.has(-1)) throw new Error("a record is lost");
  for (const index of taken) flows.remove(index);
}

function same(what: string, one: number, other: number): void {
  if (one !== other) throw new Error(`${what}: ${one} and ${other}`);
}
