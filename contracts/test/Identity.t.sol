// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IIdentity} from "../src/IIdentity.sol";
import {Signing} from "./Signing.sol";

/// @dev A wallet that is a contract: it says yes to the signatures of one key (ERC-1271).
contract ContractWallet {
    address private immutable KEY;

    constructor(address key_) {
        KEY = key_;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        address signer =
            ecrecover(hash, uint8(signature[64]), bytes32(signature[0:32]), bytes32(signature[32:64]));
        return signer == KEY ? this.isValidSignature.selector : bytes4(0);
    }

    function revokeAll(IIdentity identity) external {
        identity.revokeAll();
    }
}

/// @dev A wallet that tries to use the call to change something.
contract MeddlingWallet {
    IIdentity private immutable IDENTITY;

    constructor(IIdentity identity) {
        IDENTITY = identity;
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        IDENTITY.revokeAll();
        return this.isValidSignature.selector;
    }
}

/// @dev Code that an account may point to by EIP-7702 and that knows nothing of signatures.
contract Mute {}

contract IdentityTest is Signing {
    uint256 private constant OWNER = 0xA11CE;
    uint256 private constant OTHER = 0xB0B;
    uint256 private constant DEVICE = 0xD1;
    uint256 private constant DEVICE2 = 0xD2;

    IIdentity private identity;
    address private owner = vm.addr(OWNER);

    function setUp() public {
        vm.warp(1_800_000_000);
        identity = deployIdentity();
    }

    // --- keys -------------------------------------------------------------------------------------------------------

    /// @dev Made with @libp2p/peer-id 6.0.15 from the private key 1, whose public key is the curve's generator.
    function test_derive_knownKey() public view {
        (address device, bytes32 peerId) = identity.derive(
            0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
            0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8
        );
        eq(device, 0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf, "address of key 1");
        eq(
            peerId,
            sha256(hex"0025080212210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
            "PeerId of key 1"
        );
    }

    function testFuzz_derive_isTheKeysAddress(uint256 seed) public {
        uint256 k = key(seed);
        (bytes32 x, bytes32 y) = publicKey(k);
        (address device, bytes32 peerId) = identity.derive(x, y);
        eq(device, vm.addr(k), "address");
        bytes1 parity = uint256(y) % 2 == 0 ? bytes1(0x02) : bytes1(0x03);
        eq(peerId, sha256(bytes.concat(hex"002508021221", parity, x)), "PeerId");
    }

    /// @dev With another y of the same parity the PeerId would be the victim's and the address the attacker's.
    function testFuzz_derive_refusesPointsOffTheCurve(uint256 seed, bytes32 other) public {
        (bytes32 x, bytes32 y) = publicKey(key(seed));
        uint256 p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
        vm.assume(other != y && uint256(other) != p - uint256(y));
        vm.expectRevert(IIdentity.NotOnCurve.selector);
        identity.derive(x, other);
    }

    function test_derive_refusesCoordinatesBeyondTheField() public {
        uint256 p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F;
        // x = 1 has a y; x = p + 1 is the same residue and would be a second name for it.
        bytes32 y = 0x4218F20AE6C646B363DB68605822FB14264CA8D2587FDD6FBC750D587E76A7EE;
        identity.derive(bytes32(uint256(1)), y);
        vm.expectRevert(IIdentity.NotOnCurve.selector);
        identity.derive(bytes32(p + 1), y);
        vm.expectRevert(IIdentity.NotOnCurve.selector);
        identity.derive(bytes32(0), bytes32(0));
    }

    function test_register_isIdempotentAndOpenToAll() public {
        (bytes32 x, bytes32 y) = publicKey(DEVICE);
        (address device, bytes32 peerId) = identity.derive(x, y);
        eq(identity.deviceOf(peerId), address(0), "unknown before");
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Registered(device, peerId, x, y);
        identity.register(x, y);
        vm.recordLogs();
        identity.register(x, y);
        eq(vm.getRecordedLogs().length, 0, "second time says nothing");
        eq(identity.deviceOf(peerId), device, "device by PeerId");
        eq(identity.peerIdOf(device), peerId, "PeerId by device");
        eq(identity.ownerOf(device), address(0), "registering binds nothing");
    }

    // --- binding ----------------------------------------------------------------------------------------------------

    function test_bind_byAnyPoster() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Bound(owner, d.sessionKey, d.scope, d.validUntil, d.epoch);
        vm.prank(address(0xBEEF));
        identity.bind(x, y, d, o, c);
        eq(identity.ownerOf(d.sessionKey), owner, "owner");
        eq(identity.deviceOf(d.peerId), d.sessionKey, "registered on the way");
        eq(identity.devicesOf(owner).length, 1, "one device");
        eq(identity.devicesOf(owner)[0], d.sessionKey, "the device");
        IIdentity.Binding memory b = identity.bindingOf(d.sessionKey);
        eq(b.validUntil, d.validUntil, "validity");
        eq(b.scope, d.scope, "scope");
        no(b.revoked, "revoked");
    }

    function test_bind_severalDevices() public {
        address first = bindDevice(identity, OWNER, DEVICE);
        address second = bindDevice(identity, OWNER, DEVICE2);
        eq(identity.devicesOf(owner).length, 2, "two devices");
        eq(identity.devicesOf(owner)[0], first, "first");
        eq(identity.devicesOf(owner)[1], second, "second");
    }

    function test_bind_needsTheOwnersSignature() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        refuseBind(
            x,
            y,
            d,
            ownerSignature(OTHER, d),
            consentSignature(DEVICE, d),
            IIdentity.BadOwnerSignature.selector
        );
        refuseBind(x, y, d, "", consentSignature(DEVICE, d), IIdentity.BadOwnerSignature.selector);
    }

    function test_bind_needsTheDevicesConsent() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        refuseBind(x, y, d, o, consentSignature(DEVICE2, d), IIdentity.BadConsentSignature.selector);
        refuseBind(x, y, d, o, "", IIdentity.BadConsentSignature.selector);
        // A consent to another owner, or to another epoch, is no consent to this.
        bytes memory elsewhere = sign65(DEVICE, consentDigest(address(identity), vm.addr(OTHER), d.epoch));
        refuseBind(x, y, d, o, elsewhere, IIdentity.BadConsentSignature.selector);
        elsewhere = sign65(DEVICE, consentDigest(address(identity), owner, d.epoch + 1));
        refuseBind(x, y, d, o, elsewhere, IIdentity.BadConsentSignature.selector);
    }

    function test_bind_onlyOnThisChainAndContract() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        IIdentity other = deployIdentity();
        vm.expectRevert(IIdentity.BadOwnerSignature.selector);
        other.bind(x, y, d, o, c);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        refuseBind(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
        vm.chainId(here);
        identity.bind(x, y, d, o, c);
    }

    function test_bind_everyFieldIsSigned() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        d.scope = 1;
        refuseBind(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
        d.scope = 3;
        d.validUntil -= 1;
        refuseBind(x, y, d, o, c, IIdentity.BadOwnerSignature.selector);
    }

    function test_bind_keyAndPeerIdMustBelongTogether() public {
        (IIdentity.Delegation memory d,,) = delegation(identity, owner, DEVICE);
        (bytes32 x2, bytes32 y2) = publicKey(DEVICE2);
        bytes memory o = ownerSignature(OWNER, d);
        bytes memory c = consentSignature(DEVICE, d);
        refuseBind(x2, y2, d, o, c, IIdentity.WrongDevice.selector);
        (bytes32 x, bytes32 y) = publicKey(DEVICE);
        (, d.peerId) = identity.derive(x2, y2);
        refuseBind(x, y, d, ownerSignature(OWNER, d), c, IIdentity.WrongPeerId.selector);
    }

    function test_bind_terms() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        uint64 good = d.validUntil;
        d.validUntil = uint64(block.timestamp - 1);
        refuseTerms(x, y, d, IIdentity.BadValidity.selector);
        d.validUntil = uint64(block.timestamp + 90 days + 1);
        refuseTerms(x, y, d, IIdentity.BadValidity.selector);
        d.validUntil = good;
        d.scope = 0;
        refuseTerms(x, y, d, IIdentity.BadScope.selector);
        d.scope = 1 << 16;
        refuseTerms(x, y, d, IIdentity.BadScope.selector);
        d.scope = 3;
        d.epoch = 1;
        refuseTerms(x, y, d, IIdentity.WrongEpoch.selector);
    }

    function test_bind_ownerIsNeitherZeroNorTheDevice() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, vm.addr(DEVICE), DEVICE);
        refuseBind(
            x, y, d, ownerSignature(DEVICE, d), consentSignature(DEVICE, d), IIdentity.BadOwner.selector
        );
        // A malformed signature recovers to zero: it must not make zero an owner.
        (d, x, y) = delegation(identity, address(0), DEVICE);
        refuseBind(x, y, d, "", consentSignature(DEVICE, d), IIdentity.BadOwner.selector);
    }

    function testFuzz_bind_aDeviceHasOneOwnerForEver(uint256 a, uint256 b, uint256 device, uint32 wait)
        public
    {
        (a, b, device) = (key(a), key(b), key(device));
        vm.assume(a != b && a != device && b != device);
        bindDevice(identity, a, device);
        vm.warp(block.timestamp + wait);
        if (wait % 2 == 1) {
            vm.prank(vm.addr(a));
            identity.revoke(vm.addr(device));
        }
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, vm.addr(b), device);
        refuseBind(x, y, d, ownerSignature(b, d), consentSignature(device, d), IIdentity.Taken.selector);
    }

    function test_bind_boundedNumberOfDevices() public {
        uint256 most = identity.MAX_DEVICES();
        for (uint256 i; i < most; ++i) {
            bindDevice(identity, OWNER, 0x10000 + i);
        }
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        refuseBind(
            x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d), IIdentity.TooManyDevices.selector
        );
        // Renewing one of them is no new device.
        vm.warp(block.timestamp + 1 days);
        bindDevice(identity, OWNER, 0x10000);
    }

    // --- renewal, revocation, expiry --------------------------------------------------------------------------------

    function test_renew_onlyLonger() public {
        (IIdentity.Delegation memory first, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        identity.bind(x, y, first, ownerSignature(OWNER, first), consentSignature(DEVICE, first));
        bytes memory o = ownerSignature(OWNER, first);
        bytes memory c = consentSignature(DEVICE, first);
        refuseBind(x, y, first, o, c, IIdentity.NotLonger.selector);
        IIdentity.Delegation memory second = first;
        second.validUntil += 1;
        second.scope = 1;
        identity.bind(x, y, second, ownerSignature(OWNER, second), c);
        eq(identity.bindingOf(first.sessionKey).scope, 1, "new scope");
        eq(identity.devicesOf(owner).length, 1, "still one device");
    }

    function test_revoke_onlyByTheOwner() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, device));
        identity.revoke(device);
        vm.prank(device);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, device));
        identity.revoke(device);
        vm.expectEmit(true, true, true, true, address(identity));
        emit IIdentity.Revoked(owner, device);
        vm.prank(owner);
        identity.revoke(device);
        eq(identity.ownerOf(device), address(0), "acts for nobody");
        eq(identity.devicesOf(owner).length, 1, "still counted");
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IIdentity.NotYours.selector, device));
        identity.revoke(device);
    }

    function test_revoke_leavesTheOthers() public {
        address first = bindDevice(identity, OWNER, DEVICE);
        address second = bindDevice(identity, OWNER, DEVICE2);
        vm.prank(owner);
        identity.revoke(first);
        no(identity.mayAct(first, 1), "first");
        yes(identity.mayAct(second, 3), "second");
    }

    /// @dev A stolen key's delegation lies on the chain for all to read; posting a longer one again must not revive it.
    function test_revoke_holdsUntilTheNextEpoch() public {
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        IIdentity.Delegation memory longer = delegationWith(d, d.validUntil + 1 days);
        identity.bind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d));
        vm.prank(owner);
        identity.revoke(d.sessionKey);
        refuseBind(
            x,
            y,
            longer,
            ownerSignature(OWNER, longer),
            consentSignature(DEVICE, longer),
            IIdentity.DeviceRevoked.selector
        );
        vm.prank(owner);
        identity.revokeAll();
        refuseBind(
            x,
            y,
            longer,
            ownerSignature(OWNER, longer),
            consentSignature(DEVICE, longer),
            IIdentity.WrongEpoch.selector
        );
        bindDevice(identity, OWNER, DEVICE);
        eq(identity.ownerOf(d.sessionKey), owner, "taken back with two new signatures");
        eq(identity.devicesOf(owner).length, 1, "listed once");
    }

    function test_revokeAll_endsAllAndVoidsSignaturesNotPosted() public {
        address first = bindDevice(identity, OWNER, DEVICE);
        address second = bindDevice(identity, OWNER, DEVICE2);
        address strangers = bindDevice(identity, OTHER, 0xD3);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, 0xD4);
        vm.prank(owner);
        identity.revokeAll();
        eq(identity.epochOf(owner), 1, "epoch");
        no(identity.mayAct(first, 1), "first");
        no(identity.mayAct(second, 1), "second");
        yes(identity.mayAct(strangers, 1), "another owner's");
        refuseBind(
            x, y, d, ownerSignature(OWNER, d), consentSignature(0xD4, d), IIdentity.WrongEpoch.selector
        );
    }

    function test_expiry() public {
        address device = bindDevice(identity, OWNER, DEVICE);
        uint256 last = identity.bindingOf(device).validUntil;
        vm.warp(last);
        eq(identity.ownerOf(device), owner, "in force in the last second");
        yes(identity.mayAct(device, 1), "may act in the last second");
        vm.warp(last + 1);
        eq(identity.ownerOf(device), address(0), "then not");
        no(identity.mayAct(device, 1), "may not act then");
        bindDevice(identity, OWNER, DEVICE);
        eq(identity.ownerOf(device), owner, "renewed");
    }

    function testFuzz_mayAct_coversEveryBitAsked(uint16 scope, uint32 asked) public {
        vm.assume(scope != 0);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, DEVICE);
        yes(identity.mayAct(d.sessionKey, asked), "without an owner a device speaks for itself");
        d.scope = scope;
        identity.bind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d));
        yes(identity.mayAct(d.sessionKey, asked) == (asked & ~uint32(scope) == 0), "every bit");
    }

    // --- other kinds of owner ---------------------------------------------------------------------------------------

    function test_owner_asContract() public {
        ContractWallet wallet = new ContractWallet(vm.addr(OTHER));
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, address(wallet), DEVICE);
        refuseBind(
            x,
            y,
            d,
            ownerSignature(OWNER, d),
            consentSignature(DEVICE, d),
            IIdentity.BadOwnerSignature.selector
        );
        identity.bind(x, y, d, ownerSignature(OTHER, d), consentSignature(DEVICE, d));
        eq(identity.ownerOf(d.sessionKey), address(wallet), "owner");
        wallet.revokeAll(identity);
        no(identity.mayAct(d.sessionKey, 1), "revoked");
    }

    function test_owner_asContractCannotMeddle() public {
        MeddlingWallet wallet = new MeddlingWallet(identity);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, address(wallet), DEVICE);
        refuseBind(x, y, d, "", consentSignature(DEVICE, d), IIdentity.BadOwnerSignature.selector);
    }

    function test_owner_withDelegatedCode() public {
        vm.etch(owner, address(new Mute()).code);
        address device = bindDevice(identity, OWNER, DEVICE);
        eq(identity.ownerOf(device), owner, "its key still speaks for it");
    }

    function testFuzz_bind_highSIsRefused(uint256 device) public {
        device = key(device);
        vm.assume(device != OWNER);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, owner, device);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(device, consentDigest(address(identity), owner, d.epoch));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory twin = abi.encodePacked(r, n - uint256(s), v == 27 ? uint8(28) : uint8(27));
        refuseBind(x, y, d, ownerSignature(OWNER, d), twin, IIdentity.BadConsentSignature.selector);
    }

    // --- helpers ----------------------------------------------------------------------------------------------------

    function ownerSignature(uint256 k, IIdentity.Delegation memory d) private view returns (bytes memory) {
        return sign65(k, delegationDigest(address(identity), d));
    }

    function consentSignature(uint256 k, IIdentity.Delegation memory d) private view returns (bytes memory) {
        return sign65(k, consentDigest(address(identity), d.owner, d.epoch));
    }

    function delegationWith(IIdentity.Delegation memory d, uint64 validUntil)
        private
        pure
        returns (IIdentity.Delegation memory)
    {
        return IIdentity.Delegation(d.owner, d.sessionKey, d.peerId, d.scope, validUntil, d.epoch);
    }

    function refuseTerms(bytes32 x, bytes32 y, IIdentity.Delegation memory d, bytes4 error_) private {
        refuseBind(x, y, d, ownerSignature(OWNER, d), consentSignature(DEVICE, d), error_);
    }

    function refuseBind(
        bytes32 x,
        bytes32 y,
        IIdentity.Delegation memory d,
        bytes memory o,
        bytes memory c,
        bytes4 error_
    ) private {
        try identity.bind(x, y, d, o, c) {
            yes(false, "should have been refused");
        } catch (bytes memory reason) {
            eq(bytes32(bytes4(reason)), bytes32(error_), "reason");
        }
    }
}
