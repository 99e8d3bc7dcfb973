/** The command line. The program itself opens `main.ts` alone, since all of this costs more than most commands need. */
export { SourceWatcher, type SourceWatcherOptions } from "./dev/source-watcher.ts";
export { main } from "./main.ts";
export { type Addition, addToApp } from "./scaffold/add-to-app.ts";
export { scaffoldVersions } from "./scaffold/app-files.ts";
export { type ServiceNames, serviceNames } from "./scaffold/service-names.ts";
