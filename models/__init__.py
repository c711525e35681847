import logging

# Brevitas makes torch look for a CUDA compiler, and warn where there is one without a GPU. We compile nothing.
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
