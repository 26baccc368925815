namespace HeteroQwen.Backends.OpenCL;

/// <summary>Carries a status out of the preparation of a kernel; never leaves this backend.</summary>
internal sealed class StatusException(Status status) : Exception(status.Message)
{
    public Status Status => status;

    public static void ThrowIfError(Status status)
    {
        if (!status.IsOk)
        {
            throw new StatusException(status);
        }
    }
}
