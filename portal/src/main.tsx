import { render } from "preact";
import { App } from "./app";
import { useApiAt } from "./api/client";
import { answered, lost, sleep } from "./api/connection";
import { start } from "./auth/sign-in";
import { loadConfig, type PortalConfig } from "./config";
import { watchDefects } from "./ui/defects";
import "./styles/base.css";

const RETRY_MILLISECONDS = 2000;

watchDefects();
const root = document.getElementById("app") as HTMLElement;
render(<App />, root);

/** The portal needs its configuration first; until the API serves it, it waits. */
async function configured(): Promise<PortalConfig> {
  for (;;) {
    try {
      const config = await loadConfig();
      answered();
      return config;
    } catch {
      lost();
      await sleep(RETRY_MILLISECONDS);
    }
  }
}

const config = await configured();
if (config.api !== null) useApiAt(config.api);
await start(config.sign_in);
