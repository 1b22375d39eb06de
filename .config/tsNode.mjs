// ts-node's module hooks. They run in a thread of their own, whose errors reach the program as text only.
import { load as compile, resolve } from "ts-node/esm";

export { resolve };

export async function load(url, context, nextLoad) {
  try {
    return await compile(url, context, nextLoad);
  } catch (error) {
    throw error.name === "TSError" ? new SyntaxError(error.message) : error;
  }
}
