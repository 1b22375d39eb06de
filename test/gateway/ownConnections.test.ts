import { describe, expect, it } from "vitest";
import { decodeTcp } from "../support/expectFrame.js";
import { tcpFrame, udpFrame } from "../support/frames.js";
import { GatewayBench, L1_TO_W1, L2_TO_W1, W1_ADDRESS, W1_TO_US, W2_TO_US } from "../support/gatewayBench.js";
import { ip } from "../support/stackFixture.js";

describe("connections of the gateway's own to the WAN", () => {
  it("live on beside a listener on the same port, which the WAN does not reach", () => {
    const bench = new GatewayBench();
    const { tcp } = bench.gateway;
    const socket = tcp.connect({ address: ip(W1_ADDRESS), port: 80, localPort: 5000 });
    tcp.listen({ port: 5000, onConnection: () => {} });
    const syn = decodeTcp((bench.wan()[0] as Uint8Array).subarray(14));
    const fields = { sourcePort: 80, destinationPort: 5000, flags: "SYN ACK", acknowledgement: syn.sequence + 1 };
    bench.fromWan(tcpFrame({ ...W1_TO_US, ...fields }));
    expect(socket.state).toBe("ESTABLISHED");
    bench.clear();
    bench.expectSilence("wan", tcpFrame({ ...W2_TO_US, ...fields, flags: "SYN" }), { wanUnsolicited: 1 });
  });
});

describe("pings of the gateway's own", () => {
  it("find an identifier while all mappings, sockets and listeners have their ports", () => {
    const bench = new GatewayBench({ capacity: { sockets: 1, listeners: 1, mappings: 2 } });
    const { gateway } = bench;
    gateway.udp.bind();
    gateway.tcp.listen({ port: 80, onConnection: () => {} });
    for (const ends of [L1_TO_W1, L2_TO_W1]) bench.out(udpFrame(ends));
    expect(gateway.ports.count).toBe(4);
    for (let i = 0; i < 8; i++) gateway.echo.ping(ip(W1_ADDRESS), i, 1000, () => {});
    expect(() => gateway.echo.ping(ip(W1_ADDRESS), 9, 1000, () => {})).toThrow("8 pings are under way");
  });
});
