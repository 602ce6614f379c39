"""HTTP as OpenStack speaks it: routing, microversions, listing, each upstream's error dialect."""
