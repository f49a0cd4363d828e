"""What a new profile begins with: a commented example that is right, and a case of it."""

from __future__ import annotations

PROFILE = """\
# yaml-language-server: $schema={schema}
# Write down what the vendor's manual says, and then: cityhub profile check {folder}
vendor: Vendor
model: Model and versions that this holds for
kind: sensor # cctv, gps, sensor, meter, ups or gateway
about: One sentence that says what it is and what must be set on the device.
manual:
  title: The vendor's manual
  edition: "1.0" # in quotes, for YAML would read a number
  # url: https://vendor.example/manual.pdf
unconfirmed: # what the manual leaves open; remove it when nothing is
  - Whether the temperature is the air's or the housing's.
interval_s: 60 # how often the device promises to speak
vitals: [weather.temperature_c] # by what its health is judged: temperature, battery, storage, firmware, bandwidth ...

# own: # what the vendor has beyond device_profiles/vocabulary.yaml
#   door_open: {{ type: bool, about: The cabinet's door is open }}
#   lamp_w: {{ type: float, unit: W, min: 0, max: 500, about: Power of the lamp }}

mqtt:
  telemetry: # on devices/<id>/telemetry
    # topics: ["vendor/{{serial}}/data"] # the vendor's own instead; {{device}}, {{serial}}, {{imei}}, MQTT's + and #
    # format: json # or senml, text, binary
    time: {{ from: ts, unit: ms }} # s, ms, us, ns or rfc3339; leave it out when the device sends no time
    readings:
      weather: # a measurement of the vocabulary, or own
        temperature_c: temp # canonical reading: where it stands in the JSON, e.g. sensors.0.temp
        humidity_percent: {{ from: hum, absent: [255] }} # raw values that mean "no reading"
        pressure_hpa: {{ from: pressure_pa, scale: 0.01 }} # value * scale + offset

# presence: # the vendor's topic for the device's last will
#   topics: ["vendor/{{serial}}/online"]
#   online: ["true"]
#   offline: ["false"]

# modbus: # what the device holds in its registers
#   groups:
#     climate:
#       every_s: 10
#       table: holding # or input, coil, discrete
#       readings:
#         weather:
#           temperature_c: {{ at: 0, type: int16, scale: 0.1 }}
"""

CASE = """\
about: A usual report, from the manual
payload: '{"ts": 1789999995000, "temp": 28.5, "hum": 255, "pressure_pa": 100850}'
lines:
  - weather temperature_c=28.5,pressure_hpa=1008.5 1789999995000000000
"""

WRONG_CASE = """\
about: A probe that is torn off; its neighbour is stored
payload: '{"ts": 1789999995000, "temp": 850, "hum": 61}'
lines:
  - weather humidity_percent=61 1789999995000000000
rejected: [out_of_range]
"""


def skeleton(folder: str, schema: str) -> dict[str, str]:
    """Return the files of a new profile: path within its folder -> content.

    Args:
        folder: that it is written to.
        schema: where editors find the JSON schema.
    """
    return {
        "profile.yaml": PROFILE.format(folder=folder, schema=schema),
        "cases/usual.yaml": CASE,
        "cases/probe_torn_off.yaml": WRONG_CASE,
    }
