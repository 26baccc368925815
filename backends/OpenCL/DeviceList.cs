using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL;

/// <summary>All devices of all platforms, in the loader's order. What goes wrong on the way is a device that is absent, with the reason.</summary>
internal static unsafe class DeviceList
{
    private const uint Most = 256;

    /// <summary>Loads the library that finds the drivers; null and the reason where there is none.</summary>
    public static CL? Load(out string reason)
    {
        try
        {
            reason = "";
            CL cl = CL.GetApi();
            uint count = 0;
            _ = cl.GetPlatformIDs(0, null, &count);
            return cl;
        }
        catch (Exception e)
        {
            // Silk.NET throws exceptions of several kinds, by platform: no library, no symbol, no assembly context.
            reason = $"the OpenCL loader cannot be used ({e.Message.TrimEnd('.')}); install one and a driver, on Debian ocl-icd-libopencl1 "
                + "and pocl-opencl-icd or the vendor's package";
            return null;
        }
    }

    /// <summary>Never empty.</summary>
    public static IReadOnlyList<DeviceFacts> Find(CL cl)
    {
        nint* platforms = stackalloc nint[(int)Most];
        uint count = 0;
        int error = cl.GetPlatformIDs(Most, platforms, &count);
        if (error is ClErrors.PlatformNotFound || (error == ClErrors.Success && count == 0))
        {
            return [DeviceFacts.Absent("OpenCL", "the OpenCL loader knows no driver; install one, on Debian pocl-opencl-icd or the vendor's package")];
        }

        if (error != ClErrors.Success)
        {
            return [DeviceFacts.Absent("OpenCL", $"the OpenCL loader fails to list the drivers ({ClErrors.Name(error)})")];
        }

        List<DeviceFacts> all = [];
        for (uint i = 0; i < Math.Min(count, Most); i++)
        {
            AddDevices(cl, platforms[i], all);
        }

        return all;
    }

    private static void AddDevices(CL cl, nint platform, List<DeviceFacts> all)
    {
        string name = new ClInfo(cl).Text(platform, PlatformInfo.Name);
        nint* devices = stackalloc nint[(int)Most];
        uint count = 0;
        int error = cl.GetDeviceIDs(platform, DeviceType.All, Most, devices, &count);
        if (error != ClErrors.Success || count == 0)
        {
            string reason = error is ClErrors.DeviceNotFound or ClErrors.Success
                ? "the platform has no device here"
                : $"the platform fails to list its devices ({ClErrors.Name(error)})";
            all.Add(DeviceFacts.Absent(name.Length > 0 ? name : "unnamed platform", reason));
            return;
        }

        for (uint i = 0; i < Math.Min(count, Most); i++)
        {
            all.Add(DeviceFacts.Read(cl, platform, devices[i]));
        }
    }
}
