import ts from "typescript";

/**
 * Moves the strings that a script's functions mention to constants at its beginning.
 *
 * Firmware keeps its strings in flash, and to mention one there costs no memory (XS_CODE_STRING_ARCHIVE in xsRun.c). In a
 * script that the engine parses itself each evaluation copies the string to the heap (XS_CODE_STRING), which would hide
 * what the code itself allocates. What is thrown, and parts of templates, stay where they are.
 */
export function hoistStrings(script: string): string {
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    const name = names.get(text) ?? `$string${names.size}`;
    names.set(text, name);
    return name;
  };
  const hoist: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
    const visit = (node: ts.Node): ts.Node => {
      if (ts.isThrowStatement(node)) return node;
      if (ts.isStringLiteral(node) && isInNestedFunction(node) && isValue(node)) {
        return context.factory.createIdentifier(nameOf(node.text));
      }
      return ts.visitEachChild(node, visit, context);
    };
    return ts.visitEachChild(file, visit, context);
  };
  const file = ts.createSourceFile("script.js", script, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const [hoisted] = ts.transform(file, [hoist]).transformed;
  const code = ts.createPrinter().printFile(hoisted as ts.SourceFile);
  const constants = [...names].map(([text, name]) => `const ${name} = ${JSON.stringify(text)};\n`).join("");
  return constants + code;
}

/** What runs once, when the script is loaded, may stay: the bundle is one function itself. */
function isInNestedFunction(node: ts.Node): boolean {
  let depth = 0;
  for (let outer = node.parent; outer !== undefined; outer = outer.parent) if (ts.isFunctionLike(outer)) depth++;
  return depth > 1;
}

/** Neither a property's name nor a directive such as "use strict". */
function isValue(node: ts.StringLiteral): boolean {
  const { parent } = node;
  return !ts.isExpressionStatement(parent) && !(ts.isPropertyAssignment(parent) && parent.name === node);
}
