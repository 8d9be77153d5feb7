"""The contract: what comes in, what goes out, what is kept between. Imports msgspec and the standard library only."""
