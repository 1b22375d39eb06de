/** Which interface may be attached where. */
import { FIRST_VLAN, LAST_VLAN, type LinkBinding, type LinkPort, UNTAGGED } from "../platform/linkPorts.js";

/** The port of that name, in upper or lower case: a serial terminal may be stuck in one. */
export function findPort(ports: readonly LinkPort[], name: string): LinkPort | undefined {
  const wanted = name.toLowerCase();
  return ports.find((port) => port.name.toLowerCase() === wanted);
}

/**
 * The bindings with the ports' names as the device writes them. Throws an Error of one sentence when an interface cannot
 * be attached where it should be, or two were at the same place. `names` are the interfaces', in the same order.
 */
export function checkBindings(
  ports: readonly LinkPort[],
  names: readonly string[],
  bindings: readonly LinkBinding[],
): LinkBinding[] {
  const checked = bindings.map(({ port, vlan }, index) => {
    const found = findPort(ports, port);
    if (found === undefined) {
      throw new Error(`this device has no port "${port}"; its ports are ${ports.map((one) => one.name).join(", ")}`);
    }
    if (vlan !== UNTAGGED && (!Number.isInteger(vlan) || vlan < FIRST_VLAN || vlan > LAST_VLAN)) {
      throw new Error(`${vlan} is not a VLAN; use ${FIRST_VLAN} to ${LAST_VLAN}, or none for untagged frames`);
    }
    if (vlan !== UNTAGGED && !found.carriesTags) {
      throw new Error(
        `port ${found.name} carries no VLANs, so ${names[index]} cannot be on VLAN ${vlan} there; use none`,
      );
    }
    return { port: found.name, vlan };
  });
  checked.forEach((one, index) => {
    const other = checked.findIndex(({ port, vlan }) => port === one.port && vlan === one.vlan);
    if (other < index) {
      const place = `port ${one.port} ${one.vlan === UNTAGGED ? "without a VLAN" : `on VLAN ${one.vlan}`}`;
      throw new Error(
        `${names[other]} and ${names[index]} would both be at ${place}; on one port they need different VLANs, or one of them none`,
      );
    }
  });
  return checked;
}
