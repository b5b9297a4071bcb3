"""Engine tests prepare ultralytics as the engine process does, before it is first imported."""

from app.engine.environment_setup import prepare

prepare()
