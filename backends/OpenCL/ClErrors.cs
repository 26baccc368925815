using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>OpenCL's error numbers as statuses, each with what to do about it.</summary>
internal static class ClErrors
{
    public const int Success = 0;
    public const int DeviceNotFound = -1;
    public const int DeviceNotAvailable = -2;
    public const int CompilerNotAvailable = -3;
    public const int AllocationFailure = -4;
    public const int OutOfResources = -5;
    public const int OutOfHostMemory = -6;
    public const int BuildProgramFailure = -11;
    public const int InvalidValue = -30;
    public const int InvalidContext = -34;
    public const int InvalidCommandQueue = -36;
    public const int InvalidBinary = -42;
    public const int InvalidWorkGroupSize = -54;
    public const int InvalidWorkItemSize = -55;
    public const int InvalidBufferSize = -61;

    /// <summary>The loader found no driver (CL_PLATFORM_NOT_FOUND_KHR).</summary>
    public const int PlatformNotFound = -1001;

    /// <summary>What NVIDIA's driver answers once a kernel has faulted.</summary>
    public const int NvidiaFault = -9999;

    /// <summary>The status of a call that failed.</summary>
    /// <param name="error">OpenCL's number.</param>
    /// <param name="what">Device and call, for the message.</param>
    public static Status Of(int error, string what) => error switch
    {
        Success => Status.Ok,
        AllocationFailure or OutOfHostMemory => Status.OutOfMemory(
            $"{what}: no memory for it ({Name(error)}); ask for a smaller context or batch, or weights of fewer bits"),
        InvalidBufferSize => Status.OutOfMemory($"{what}: the device has no buffer of that size ({Name(error)})"),
        OutOfResources => Status.OutOfMemory(
            $"{what}: the device is out of resources ({Name(error)}); ask for a smaller context, or close what else uses the device"),
        DeviceNotAvailable or InvalidContext or NvidiaFault => new(
            StatusCode.DeviceLost, $"{what}: the device is lost ({Name(error)}); start the program again, and see the driver's log"),
        InvalidWorkGroupSize or InvalidWorkItemSize => Status.LaunchFailed(
            $"{what}: the driver refuses the size of a work-group ({Name(error)}) that its own limits allow; report it with the output of clinfo"),
        CompilerNotAvailable => Status.Unsupported($"{what}: the driver has no compiler ({Name(error)}); install the full driver"),
        _ => new(StatusCode.Internal, $"{what}: {Name(error)}"),
    };

    public static string Name(int error) => Enum.IsDefined((ErrorCodes)error) ? $"{(ErrorCodes)error}, {error}" : $"error {error}";
}
