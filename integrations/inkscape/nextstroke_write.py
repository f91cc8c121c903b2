"""Inkscape extension: text as handwriting, by the program nextstroke. Inkscape runs it with its own Python."""

import os
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import inkex
from inkex import elements

STYLE = ("fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin")
TALL = 50_000.0  # mm; a page for all lines of a wrapped text


class WriteByHand(inkex.GenerateExtension):
    """Puts the lines of a text into the middle of the view, a group of strokes for each."""

    container_label = "Handwriting"

    def add_arguments(self, pars: ArgumentParser) -> None:
        """Declare the parameters of the .inx file."""
        for name in ("text", "style", "align", "colour", "program"):
            pars.add_argument(f"--{name}", default="")
        for name in ("bias", "size", "line_height", "wrap", "pen"):
            pars.add_argument(f"--{name}", type=float)
        pars.add_argument("--seed", type=int)

    def generate(self) -> Iterator[Any]:
        """Yield the groups of the drawing, in the units of the document."""
        drawing = elements.load_svg(self.drawing()).getroot()
        _, _, width, height = (float(number) for number in drawing.get("viewBox").split())
        scale = inkex.units.convert_unit("1mm", "px") / self.svg.scale
        for layer in drawing.xpath("svg:g", namespaces=inkex.NSS):
            group = inkex.Group.new(layer.label or "Handwriting")
            group.style = inkex.Style({name: layer.get(name) for name in STYLE if layer.get(name)})
            # The middle of the drawing is where the container is.
            group.transform = inkex.Transform(scale=scale) @ inkex.Transform(translate=(-width / 2, -height / 2))
            for line in layer:
                group.append(line)
            yield group

    def container_transform(self) -> Any:
        """Move what is generated to the middle of the view, or of the page where no view is known."""
        view = self.svg.namedview
        if view.get("inkscape:cx") is not None:
            return inkex.Transform(translate=view.center)
        left, top, width, height = self.svg.get_viewbox()
        return inkex.Transform(translate=(left + width / 2, top + height / 2))

    def drawing(self) -> bytes:
        """Return the SVG that nextstroke writes; what it says is shown where it fails."""
        options = self.options
        # Inkscape hands over line ends of a multiline text as two characters.
        text = options.text.replace("\\n", "\n")
        command = [options.program, "write", "-", "-o", "-", "--format", "svg", "--style", options.style]
        command += ["--bias", str(options.bias), "--seed", str(options.seed), "--colour", options.colour]
        command += ["--size", str(options.size), "--line-height", str(options.line_height), "--align", options.align]
        command += ["--pen", str(options.pen), "--margin", "0"]
        if options.wrap:
            tall = min(TALL, 5000 * options.line_height)
            command += ["--page", f"{options.wrap:g}x{tall:g}"]
        # Inkscape's own libraries and modules are not those of nextstroke.
        hidden = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        try:
            done = subprocess.run(command, input=text.encode(), capture_output=True, env=environment, check=False)
        except OSError as error:
            raise inkex.AbortExtension(
                f"{options.program} cannot be run ({error.strerror}); install nextstroke, or say where it is as Program"
            ) from error
        if done.stderr:
            inkex.errormsg(done.stderr.decode("utf-8", "replace").strip())
        if done.returncode:
            raise inkex.AbortExtension(f"{options.program} wrote nothing (exit code {done.returncode})")
        return done.stdout


if __name__ == "__main__":
    WriteByHand().run()
