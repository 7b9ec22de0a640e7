"""What 1000 pictures cost on Lambda by memory size, from seconds measured in the image under Lambda's emulator."""
