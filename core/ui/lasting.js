// What our components have in common that outlive a run of the page's script; put in front of each one's own script.

// Returns the default export of a component: Streamlit calls it at every change of `data`. One instance of `Kind` is kept
// for each element of this class; its `update` is called each time, its `leave`, if it has one, when the element is gone.
function lasting(name, Kind) {
  const instances = new WeakMap();
  return function ({ data, parentElement, setStateValue }) {
    const box = parentElement.querySelector("." + name);
    let instance = instances.get(box);
    if (!instance) {
      instance = new Kind(box);
      instances.set(box, instance);
    }
    instance.update(data, setStateValue);
    // Streamlit also calls this for a run that a newer one has overtaken: only an element that has left the page is over.
    return () => setTimeout(() => box.isConnected || instance.leave?.());
  };
}

