using HeteroQwen.Backends;

namespace HeteroQwen.Runtime;

/// <summary>A call over the backend line failed. The message names the device, what was asked, and the backend's reason.</summary>
public sealed class BackendException(string device, string what, Status status)
    : Exception($"{device}: {what}: {Describe(status.Code)}{(status.Message is null ? "" : $" ({status.Message})")}")
{
    public StatusCode Code { get; } = status.Code;

    private static string Describe(StatusCode code) => code switch
    {
        StatusCode.InvalidArgument => "the backend refused the call",
        StatusCode.Unsupported => "not supported",
        StatusCode.OutOfMemory => "out of memory",
        StatusCode.LaunchFailed => "a launch failed",
        StatusCode.DeviceLost => "the device is lost",
        StatusCode.Unavailable => "not available",
        _ => "the backend failed",
    };
}
