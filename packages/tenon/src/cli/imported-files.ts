/** Which files a process imports, as it imports them. */
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";

/**
 * Calls `onFile` with the absolute path of every file that is imported from now on, whether or not it turns out to be
 * there or to be readable. A file is told as often as it is imported.
 *
 * @returns Stops it.
 */
export function watchImports(onFile: (file: string) => void): () => void {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      if (resolved.url.startsWith("file:")) onFile(fileURLToPath(resolved.url.replace(/[?#].*$/, "")));
      return resolved;
    },
  });
  return () => hooks.deregister();
}
