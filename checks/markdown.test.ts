/** The documents do what they say: their code compiles and runs, and their links lead somewhere. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { anchorsOf, blocksOf, brokenLinks, wrongBlocks, wrongExamples } from "./markdown.ts";
import { assertNoProblems } from "./problems.ts";
import { findPaths, readText, type TextFile } from "./source-files.ts";

describe("the documents", () => {
  const withExamples = findPaths("README.md", "docs/**/*.md", "packages/*/README.md").map(readText);

  test("have code that compiles, and prints what they show", async () => {
    assertNoProblems(wrongBlocks(withExamples));
    assertNoProblems(await wrongExamples(withExamples));
  });

  test("have links that lead somewhere", () => {
    assertNoProblems(brokenLinks(findPaths("**/*.md").map(readText)));
  });
});

describe("a document that does not keep its word is found out", () => {
  function document(text: string): TextFile {
    return { path: "docs/fixture.md", text };
  }

  test("code that does not compile, by the line of the document", async () => {
    const text = '# A\n\n```ts file=orders/price.ts\nexport const cents: number = 5;\n```\n\n```ts\nimport { cents } from "./orders/price.ts";\nconst text: string = cents;\n```\n';
    const problems = await wrongExamples([document(text)]);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /^docs\/fixture\.md:9 \(line-8\.ts\) does not compile: TS2322/);
  });

  test("code that prints something else, and code that fails", async () => {
    const text = [
      "```ts file=a.ts\nexport const a = 1;\n```",
      '```ts run\nimport { a } from "./a.ts";\nconsole.log(a);\n```\n\n```text\n1\n```',
      "```ts run\nconsole.log(2);\n```\n\n```text\n3\n```",
      "```ts run\nprocess.exit(4);\n```\n\n```text\n```",
    ].join("\n\n");
    const problems = await wrongExamples([document(text)]);
    assert.deepEqual(problems.map((problem) => problem.split("\n").join(" ").trim()), [
      "docs/fixture.md:15 prints 2 and the document shows 3",
      "docs/fixture.md:23 fails when it is run:",
    ]);
  });

  test("JSON that is none, a name given twice, a run that shows nothing", () => {
    const text = "```json\n{ a: 1 }\n```\n```ts file=a.ts\n```\n```ts file=a.ts run\n```\n```sh run\n```\n";
    assert.deepEqual(wrongBlocks([document(text)]), [
      "docs/fixture.md:2 is not JSON",
      "docs/fixture.md:7 names a.ts, which is there already",
      "docs/fixture.md:7 is run, and no `text` block after it shows what it prints",
      "docs/fixture.md:9 cannot be run: only `ts` can",
      "docs/fixture.md:9 is run, and no `text` block after it shows what it prints",
    ]);
  });

  test("links to files and headings that are not there", () => {
    const text = [
      "# The one thing", "[a](gone.md)", "[b](../package.json) [c](https://example.org/x)", "[d](#the-one-thing) [e](#another)", "`[f](gone.md)`",
      "```\n[g](gone.md)\n```", "[h]: ../gone.md", "[i](/package.json)",
    ].join("\n");
    assert.deepEqual(brokenLinks([document(text)]).map((problem) => problem.replace("docs/fixture.md:", "")), [
      "2 links to gone.md: there is no such file",
      "4 links to #another: the document has no such heading",
      "9 links to ../gone.md: there is no such file",
      "10 links to /package.json: links are relative to the document",
    ]);
  });
});

test("blocks are read with their language, name and line", () => {
  const text = "# A\n\n````md\n```ts\nnot a block of its own\n```\n````\n\n- ~~~ts file=a/b.ts run\n  x();\n  ~~~\n";
  assert.deepEqual(blocksOf({ path: "a.md", text }).map(({ language, file, line, isRun }) => [language, file, line, isRun]), [
    ["md", undefined, 4, false],
    ["ts", "a/b.ts", 10, true],
  ]);
});

test("headings get the anchors that GitHub gives them", () => {
  const anchors = anchorsOf("# The `life` of a call\n## [Two](x.md) words, & more\n## Same\n## Same\n```\n# not one\n```\n");
  assert.deepEqual([...anchors], ["the-life-of-a-call", "two-words--more", "same", "same-1"]);
});
