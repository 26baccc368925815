using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference;

/// <summary>
/// The definition of every op: f64 inside an op, f32 between ops, one thread, written for reading. Other devices are compared
/// with it, so it checks all that a launch is given.
/// </summary>
public sealed class ReferenceBackend : IBackend
{
    public string Name => "reference";

    public Status Devices(out ImmutableArray<DeviceInfo> devices)
    {
        devices =
        [
            new DeviceInfo(
                0, "reference interpreter", true, null, ReferenceDevice.Memory, [],
                ["one thread, f64 arithmetic; written for reading, not for speed"]),
        ];
        return Status.Ok;
    }

    public Status Open(int index, Attributes options, out IDevice? device)
    {
        device = null;
        if (index != 0)
        {
            return new Status(StatusCode.Unavailable, $"reference has no device {index}; its only device is 0");
        }

        foreach ((string name, AttributeValue value) in options)
        {
            if (name == "threads" && value.Kind == AttributeKind.Int64 && value.Int64 == 1)
            {
                continue;
            }

            return Status.InvalidArgument(name switch
            {
                "threads" => $"reference runs on 1 thread, not {value}; leave the option threads out or set it to 1",
                "tier" => $"reference has no tier {value}; leave the option tier out",
                _ => $"reference does not know the option {name}; it takes threads = 1 and no other",
            });
        }

        device = new ReferenceDevice();
        return Status.Ok;
    }
}
