// The microphone that somebody has chosen, or the system's own where it has been unplugged since.
//
// Asked for exactly: Chrome takes the system's own before one that is only `ideal`.
export async function openMicrophone(deviceId) {
  if (deviceId) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { deviceId: { exact: deviceId } } });
    } catch (error) {
      if (error.name !== "OverconstrainedError" && error.name !== "NotFoundError") throw error;
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio: true });
}
