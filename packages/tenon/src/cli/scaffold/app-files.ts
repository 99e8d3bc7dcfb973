/** The files of a new app: one service, and what a project needs around it. */
import { serviceFiles } from "./service-files.ts";
import { type ServiceNames, serviceNames } from "./service-names.ts";
import type { NewFile } from "./write-files.ts";

/** What a new app depends on. The major versions are those that this release is tested with. */
export const scaffoldVersions = {
  dependencies: { kysely: "^0.29.9", tenon: "^0.1.0", zod: "^4.6.7" },
  devDependencies: { "@types/node": "^26.6.6", typescript: "^7.0.2" },
} as const;

/** The example service: something that nobody has to explain. */
const exampleService = "notes";

export function appFiles(name: string): readonly NewFile[] {
  const names = serviceNames(exampleService);
  const place = { directory: names.service, test: `test/${names.service}.test.ts`, fromTest: `../${names.service}/service.ts` };
  return [
    { path: "package.json", text: manifestText(name) },
    { path: "tsconfig.json", text: compilerText() },
    { path: ".gitignore", text: "node_modules/\n.tenon/\n.env\n" },
    { path: "README.md", text: readmeText(name, names) },
    { path: "app.ts", text: appText(name, names) },
    ...serviceFiles(names, place),
  ];
}

function manifestText(name: string): string {
  const manifest = {
    name,
    private: true,
    type: "module",
    engines: { node: ">=24" },
    scripts: {
      dev: "tenon dev",
      start: "tenon start",
      check: "tsc && tenon check",
      test: 'node --test "test/*.test.ts"',
    },
    ...scaffoldVersions,
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function compilerText(): string {
  const options = {
    compilerOptions: {
      target: "es2024",
      module: "nodenext",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
      strict: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      verbatimModuleSyntax: true,
      skipLibCheck: true,
    },
  };
  return `${JSON.stringify(options, undefined, 2)}\n`;
}

function appText(name: string, { service, variable }: ServiceNames): string {
  return `/** ${name}: the services that are run and deployed together. */
import { app } from "tenon";
import ${variable} from "./${service}/service.ts";

export default app("${name}", {
  services: [${variable}],
});
`;
}

function readmeText(name: string, { service }: ServiceNames): string {
  return `# ${name}

\`\`\`sh
npm install
npm run dev     # http://localhost:3000, restarted at every save; /docs to read and try
npm test        # the services on a real embedded database, without a server
npm run check   # types, contracts, configuration, and the tables against the migrations
\`\`\`

Call it:

\`\`\`sh
TOKEN=$(npx tenon token --sub user-1 --scope ${service}:read --scope ${service}:write)
curl -H "authorization: Bearer $TOKEN" -H "content-type: application/json" -d '{"title":"The first"}' localhost:3000/${service}
curl -H "authorization: Bearer $TOKEN" localhost:3000/${service}
\`\`\`

| | |
|---|---|
| \`app.ts\` | the services that run together |
| \`${service}/contract.ts\` | what the service promises: operations, who may call them, what they answer |
| \`${service}/tables.ts\` | its rows, which \`npx tenon check\` compares with what the migrations build |
| \`${service}/migrations/\` | numbered SQL, applied in order; a file that was applied is never edited |
| \`${service}/service.ts\` | how it keeps the promise |
| \`test/${service}.test.ts\` | the promise, tried |

\`npx tenon new orders\` adds another service. \`npx tenon config\` prints every setting: \`DATABASE_URL\` replaces the
embedded database, \`OIDC_ISSUER\` the local issuer of tokens. In production, \`npx tenon migrate\` runs before
\`npx tenon start\`.
`;
}
