namespace HeteroQwen.Backends;

/// <summary>Outcome of a call over the backend line. The numbers are those of <c>heteroqwen_backend.h</c> and never change.</summary>
public enum StatusCode
{
    Ok = 0,

    /// <summary>The caller broke a rule of the contract.</summary>
    InvalidArgument = 1,

    /// <summary>The device does not do this; after <c>supports</c> said yes it is an over-claim.</summary>
    Unsupported = 2,

    /// <summary>The device or the host has not enough memory for the request.</summary>
    OutOfMemory = 3,

    /// <summary>Work that was enqueued earlier failed; later waits on the stream fail too until one synchronize has reported it.</summary>
    LaunchFailed = 4,

    /// <summary>The device is gone; nothing on it can be used again.</summary>
    DeviceLost = 5,

    /// <summary>There is no such device, or it cannot be opened.</summary>
    Unavailable = 6,

    /// <summary>The backend failed in a way that it cannot name better.</summary>
    Internal = 7,
}

/// <summary>A status and, unless it is ok, one sentence with op, types, device and reason.</summary>
public readonly record struct Status(StatusCode Code, string? Message)
{
    public static Status Ok => default;

    public bool IsOk => Code == StatusCode.Ok;

    public static Status InvalidArgument(string message) => new(StatusCode.InvalidArgument, message);

    public static Status Unsupported(string message) => new(StatusCode.Unsupported, message);

    public static Status OutOfMemory(string message) => new(StatusCode.OutOfMemory, message);

    public static Status LaunchFailed(string message) => new(StatusCode.LaunchFailed, message);
}
