/** Whether new calls are welcome: what `/health/ready` says. */
export class Readiness {
  isReady = true;
}
