// Imports point downwards: a layer may import itself and the layers named here, and nothing else.
const hostStack = ["src/core", "src/platform", "src/wire", "src/link", "src/ip", "src/transport"];
const host = [...hostStack, "src/host.ts", "src/fragmentForwarder.ts"];
const translation = [...host, "src/flow", "src/firewall", "src/nat"];
const gateway = [...translation, "src/gatewayJudge.ts", "src/gatewayForwarding.ts", "src/gateway.ts"];
const layers = {
  "src/core": [],
  "src/platform": ["src/core"],
  "src/wire": ["src/core"],
  "src/link": ["src/core", "src/platform", "src/wire"],
  "src/ip": ["src/core", "src/platform", "src/wire", "src/link"],
  "src/transport": ["src/core", "src/platform", "src/wire", "src/link", "src/ip"],
  "src/flow": ["src/core", "src/wire"],
  "src/firewall": ["src/core", "src/wire", "src/link"],
  "src/nat": [...hostStack, "src/flow", "src/firewall"],
  "src/host.ts": hostStack,
  "src/fragmentForwarder.ts": [...hostStack, "src/host.ts"],
  "src/gatewayJudge.ts": translation,
  "src/gatewayForwarding.ts": [...translation, "src/gatewayJudge.ts"],
  "src/gateway.ts": [...translation, "src/gatewayJudge.ts", "src/gatewayForwarding.ts"],
  // Tells what the gateway's own judge finds out; the console prints it.
  "src/explain": gateway,
  "src/sockets": gateway,
  "src/services": [...gateway, "src/sockets"],
  "src/wifi": ["src/core", "src/platform"],
  // The model and its text form stand on the gateway they configure; the console stands on all.
  "src/config": gateway,
  "src/console": [...gateway, "src/explain", "src/sockets", "src/services", "src/wifi", "src/config"],
};

const escaped = (path) => (path.endsWith(".ts") ? `^${path.replace(".", "\\.")}$` : `^${path}/`);

const layerRules = Object.entries(layers).map(([layer, below]) => ({
  name: `${layer} imports downwards`,
  severity: "error",
  from: { path: escaped(layer) },
  to: { pathNot: [layer, ...below].map(escaped) },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    { name: "no cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "imports exist",
      severity: "error",
      // Only the device's toolchain finds the modules that main.ts and the boards import.
      from: { pathNot: "^(boards/|src/main\\.ts$|test/device/engine/suite\\.js$)" },
      to: { couldNotResolve: true },
    },
    {
      name: "src stands alone",
      severity: "error",
      // main.ts is the firmware's entry: it alone may import the device's modules.
      from: { path: "^src/", pathNot: "^src/main\\.ts$" },
      to: { pathNot: "^src/" },
    },
    {
      name: "src belongs to a layer",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/main\\.ts$", ...Object.keys(layers).map(escaped)] },
      to: {},
    },
    { name: "host-sim imports src", severity: "error", from: { path: "^host-sim/" }, to: { path: "^(test|boards)/" } },
    { name: "boards import src", severity: "error", from: { path: "^boards/" }, to: { path: "^(test|host-sim)/" } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "^node_modules/" },
    combinedDependencies: true,
  },
};
