"""All inputs of a region, none left out: a 1-bit net in vectors of 512 inputs, compiled for this machine."""
